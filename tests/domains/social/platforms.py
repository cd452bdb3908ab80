"""Platforms as their publishers meet them: real HTTP servers that keep what is posted, and can fail on request."""

import base64
import hashlib
import hmac
import html
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
DIES = "dies"
STALLS = "stalls"


class Platform(ThreadingHTTPServer):
    """A platform: its posts by their key, and what it does wrong next.

    ``calls`` counts what reached it, a repeated key included. ``faults`` are taken one a request that publishes: a
    status, ``dies`` before or ``dies after`` it has published.
    """

    daemon_threads = True

    def __init__(self, handler: type["Handler"]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.posts: list[Json] = []
        self.keys: dict[str, Json] = {}
        self.faults: list[str | int] = []
        self.calls = 0
        self.requests: list[tuple[str, str]] = []
        self.released = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, key: str, post: Json) -> Json:
        """Keep a post, one for each key."""
        with self.lock:
            self.calls += 1
            if key not in self.keys:
                self.keys[key] = {"id": str(len(self.posts) + 1), **post}
                self.posts.append(self.keys[key])
            return self.keys[key]

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing of clients who left."""


class Handler(BaseHTTPRequestHandler):
    """Routes requests to methods of a subclass by ``routes``."""

    server: Platform
    routes: ClassVar[dict[tuple[str, str], str]] = {}

    def do_GET(self) -> None:
        """Answer a read."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answer a write."""
        self._answer("POST")

    def _answer(self, method: str) -> None:
        path = urlsplit(self.path).path
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((method, path))
        for (wanted, start), name in self.routes.items():
            if wanted == method and path.startswith(start):
                status, document = getattr(self, name)(path)
                self.say(status, document)
                return
        self.say(404, {"error": "NotFound"})

    def publishing(self, key: str, post: Json) -> tuple[int, Json]:
        """Publish, or fail as the platform is told to."""
        fault = self.server.faults.pop(0) if self.server.faults else None
        if isinstance(fault, int):
            return fault, {"error": "as asked"}
        if fault == DIES:
            self.hang_up()
        kept = self.server.publish(key, post)
        if fault == f"{DIES} after":
            self.hang_up()
        if fault == STALLS:
            self.server.released.wait(10)
        return 200, kept

    def hang_up(self) -> None:
        """Cut the connection without an answer."""
        self.connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    def say(self, status: int, document: object) -> None:
        """Answer with JSON."""
        content = json.dumps(document).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "30")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @property
    def json(self) -> Json:
        """The request's body."""
        return dict(json.loads(self.body))

    @property
    def params(self) -> dict[str, list[str]]:
        """The request's query."""
        return parse_qs(urlsplit(self.path).query)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class MastodonServer(Handler):
    """The part of Mastodon's API that is used."""

    routes: ClassVar = {
        ("POST", "/api/v1/statuses"): "post",
        ("POST", "/api/v2/media"): "upload",
        ("GET", "/api/v1/statuses/"): "status",
        ("GET", "/api/v1/accounts/verify_credentials"): "account",
        ("GET", "/api/v1/accounts/"): "statuses",
    }

    def post(self, _: str) -> tuple[int, Json]:
        if self.headers["authorization"] != "Bearer token":
            return 401, {"error": "The access token is invalid"}
        text, key = self.json["status"], self.headers.get("idempotency-key", str(len(self.server.posts)))
        url = f"{self.server.url}/@ann/{len(self.server.posts) + 1}"
        return self.publishing(
            key, {"content": f"<p>{html.escape(text)}</p>", "url": url, "media": self.json["media_ids"]}
        )

    def upload(self, _: str) -> tuple[int, Json]:
        return 200, {"id": "m1"}

    def status(self, path: str) -> tuple[int, Json]:
        found = next((post for post in self.server.posts if post["id"] == path.rpartition("/")[2]), None)
        figures = {"favourites_count": 5, "reblogs_count": 2, "replies_count": 1}
        return (200, {**found, **figures}) if found else (404, {"error": "Record not found"})

    def account(self, _: str) -> tuple[int, Json]:
        if self.headers["authorization"] != "Bearer token":
            return 401, {"error": "The access token is invalid"}
        return 200, {"id": "7", "acct": "ann", "display_name": "Ann", "followers_count": 12, "statuses_count": 3}

    def statuses(self, _: str) -> tuple[int, list[Json]]:
        return 200, list(reversed(self.server.posts))


class BlueskyServer(Handler):
    """The part of the AT Protocol that is used."""

    routes: ClassVar = {
        ("POST", "/xrpc/com.atproto.server.createSession"): "session",
        ("POST", "/xrpc/com.atproto.repo.putRecord"): "put",
        ("POST", "/xrpc/com.atproto.repo.uploadBlob"): "upload",
        ("GET", "/xrpc/com.atproto.repo.getRecord"): "get",
        ("GET", "/xrpc/app.bsky.actor.getProfile"): "actor",
        ("GET", "/xrpc/app.bsky.feed.getPosts"): "views",
    }

    def session(self, _: str) -> tuple[int, Json]:
        if self.json["password"] != "token":
            return 401, {"error": "AuthenticationRequired"}
        return 200, {"did": "did:plc:ann", "handle": "ann.example", "accessJwt": "jwt"}

    def put(self, _: str) -> tuple[int, Json]:
        return self.publishing(self.json["rkey"], {"record": self.json["record"], "uri": "at://x"})

    def upload(self, _: str) -> tuple[int, Json]:
        return 200, {"blob": {"$type": "blob", "mimeType": self.headers["content-type"], "size": len(self.body)}}

    def get(self, _: str) -> tuple[int, Json]:
        found = self.server.keys.get(self.params["rkey"][0])
        return (200, found) if found else (400, {"error": "RecordNotFound"})

    def actor(self, _: str) -> tuple[int, Json]:
        return 200, {"did": "did:plc:ann", "handle": "ann.example", "followersCount": 9}

    def views(self, _: str) -> tuple[int, Json]:
        return 200, {"posts": [{"likeCount": 4, "repostCount": 1, "quoteCount": 1, "replyCount": 0}]}


class Receiver(Handler):
    """A receiver of signed requests, which checks them as the convention says."""

    routes: ClassVar = {("POST", "/"): "take"}

    def take(self, _: str) -> tuple[int, Json]:
        key = self.headers["webhook-id"]
        signed = f"{key}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(b"token", signed, hashlib.sha256).digest()).decode()
        if self.headers["webhook-signature"] != f"v1,{expected}":
            return 401, {"error": "wrong signature"}
        match self.json["type"]:
            case "post.publish":
                return self.publishing(self.json["key"], {"text": self.json["text"], "media": self.json["media"]})
            case "post.find":
                return 200, self.server.keys.get(self.json["key"], {})
            case "post.metrics":
                return 200, {"impressions": 100, "likes": 3}
        return 200, {}


@contextmanager
def serving(handler: type[Handler]) -> Iterator[Platform]:
    """Serve a platform."""
    server = Platform(handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
