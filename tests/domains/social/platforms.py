"""Platforms as their publishers meet them: real HTTP servers that keep what is posted, and can fail on request."""

import base64
import hashlib
import hmac
import html
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

Json = dict[str, Any]
Login = dict[str, str]
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
        self.tokens = {"token"}
        self.refresh_tokens: set[str] = set()
        self.revoked: list[str] = []
        self.apps: list[Login] = []
        self.name = ""
        self.faults_of_apps: list[str | int] = []
        self.faults_of_tokens: list[str | int] = []
        self.codes: dict[str, Login] = {}
        self.lifetime: int | None = None
        self.renewing: Callable[[], object] = lambda: None
        self.renewals = 0
        self.account_id = "7"

    def issue(self) -> tuple[str, str]:
        """Give out an access and a refresh token, each unlike all before."""
        with self.lock:
            self.renewals += 1
            access, refresh = f"canary-access-{self.renewals}", f"canary-refresh-{self.renewals}"
            self.tokens.add(access)
            self.refresh_tokens.add(refresh)
        return access, refresh

    def takes(self, refresh_token: str) -> bool:
        """Take a refresh token, which is good once and ends what it has issued."""
        self.renewing()
        with self.lock:
            if refresh_token not in self.refresh_tokens:
                return False
            self.refresh_tokens.remove(refresh_token)
            self.tokens.clear()
        return True

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

    def failing(self, faults: list[str | int]) -> tuple[int, Json] | None:
        """Return the answer the platform is told to give instead, or give none."""
        fault = faults.pop(0) if faults else None
        if isinstance(fault, int):
            return fault, {"error": "as asked"}
        if fault == DIES:
            self.hang_up()
        if fault == STALLS:
            self.server.released.wait(10)
        return (200, {"other": "words"}) if fault == "garbage" else None

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
        ("POST", "/api/v1/apps"): "register",
        ("POST", "/oauth/token"): "token",
        ("POST", "/oauth/revoke"): "revoke",
    }

    @property
    def is_known(self) -> bool:
        return self.headers["authorization"].removeprefix("Bearer ") in self.server.tokens

    @property
    def form(self) -> Login:
        return dict(parse_qsl(self.body.decode()))

    def register(self, _: str) -> tuple[int, Json]:
        if (wrong := self.failing(self.server.faults_of_apps)) is not None:
            return wrong
        number = len(self.server.apps) + 1
        app = {"client_id": f"client-{number}", "client_secret": f"canary-client-{number}"}
        self.server.apps.append({**self.json, **app})
        return 200, app

    def token(self, _: str) -> tuple[int, Json]:
        if (wrong := self.failing(self.server.faults_of_tokens)) is not None:
            return wrong
        form = self.form
        app = next((app for app in self.server.apps if app["client_id"] == form["client_id"]), None)
        if app is None or app["client_secret"] != form["client_secret"]:
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token":
            refused = not self.server.takes(form["refresh_token"])
        else:
            asked = self.server.codes.pop(form["code"], {})
            digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
            is_asked = digest.rstrip(b"=").decode() == asked.get("code_challenge")
            refused = not is_asked or asked["redirect_uri"] != form["redirect_uri"]
        if refused:
            return 400, {"error": "invalid_grant", "error_description": f"no: {self.body.decode()}"}
        access, refresh = self.server.issue()
        found: Json = {"access_token": access, "token_type": "Bearer", "scope": "read write:statuses"}
        if self.server.lifetime is not None:
            found |= {"refresh_token": refresh, "expires_in": self.server.lifetime}
        return 200, found

    def revoke(self, _: str) -> tuple[int, Json]:
        if (wrong := self.failing(self.server.faults_of_tokens)) is not None:
            return wrong
        self.server.revoked.append(self.form["token"])
        self.server.tokens.discard(self.form["token"])
        return 200, {}

    def post(self, _: str) -> tuple[int, Json]:
        if not self.is_known:
            return 401, {"error": f"The access token is invalid: {self.headers['authorization']}"}
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
        if not self.is_known:
            return 401, {"error": "The access token is invalid"}
        return 200, {
            "id": self.server.account_id,
            "acct": "ann",
            "display_name": "Ann",
            "followers_count": 12,
            "statuses_count": 3,
        }

    def statuses(self, _: str) -> tuple[int, list[Json]]:
        return 200, list(reversed(self.server.posts))


class BlueskyServer(Handler):
    """The part of the AT Protocol that is used."""

    routes: ClassVar = {
        ("POST", "/xrpc/com.atproto.server.createSession"): "session",
        ("POST", "/xrpc/com.atproto.server.refreshSession"): "renew",
        ("POST", "/xrpc/com.atproto.server.deleteSession"): "end",
        ("GET", "/xrpc/com.atproto.identity.resolveHandle"): "resolve",
        ("GET", "/did:plc:ann"): "document",
        ("POST", "/xrpc/com.atproto.repo.putRecord"): "put",
        ("POST", "/xrpc/com.atproto.repo.uploadBlob"): "upload",
        ("GET", "/xrpc/com.atproto.repo.getRecord"): "get",
        ("GET", "/xrpc/app.bsky.actor.getProfile"): "actor",
        ("GET", "/xrpc/app.bsky.feed.getPosts"): "views",
    }

    def session(self, _: str) -> tuple[int, Json]:
        if self.json["password"] != "token":
            return 401, {"error": "AuthenticationRequired"}
        return 200, self.opened()

    def opened(self) -> Json:
        access, refresh = self.server.issue()
        claims = base64.urlsafe_b64encode(json.dumps({"exp": 4_000_000_000}).encode()).rstrip(b"=").decode()
        self.server.tokens.add(f"{access}.{claims}.s")
        return {
            "did": "did:plc:ann",
            "handle": "ann.example",
            "accessJwt": f"{access}.{claims}.s",
            "refreshJwt": refresh,
        }

    @property
    def bearer(self) -> str:
        return str(self.headers["authorization"]).removeprefix("Bearer ")

    def renew(self, _: str) -> tuple[int, Json]:
        if not self.server.takes(self.bearer):
            return 400, {"error": "ExpiredToken", "message": "Token has been revoked"}
        return 200, self.opened()

    def end(self, _: str) -> tuple[int, Json]:
        self.server.revoked.append(self.bearer)
        return 200, {}

    def resolve(self, _: str) -> tuple[int, Json]:
        return (
            (200, {"did": "did:plc:ann"}) if self.params["handle"] == ["ann.example"] else (400, {"error": "NotFound"})
        )

    def document(self, _: str) -> tuple[int, Json]:
        service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": self.server.url}
        return 200, {"id": "did:plc:ann", "service": [service]}

    def put(self, _: str) -> tuple[int, Json]:
        if self.bearer not in self.server.tokens:
            return 400, {"error": "ExpiredToken"}
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


def allowed(server: Platform, url: str) -> str:
    """Do what an account's owner does on the page ``url``: allow it, and return the query that comes back."""
    asked = dict(parse_qsl(urlsplit(url).query))
    code = f"canary-code-{len(server.requests)}"
    server.codes[code] = asked
    return urlencode({"code": code, "state": asked["state"]})


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
