"""Questions to a model behind a real HTTP server that answers, answers badly, is busy, refuses, or falls silent."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import BaseModel

from growbase.core.generation import OFFLINE, Ask, ChatCompletions, ModelBusy, ModelRefused, Offline


class Title(BaseModel):
    """What is asked for."""

    title: str


def question() -> Ask[Title]:
    return Ask("title", "You write titles.", "A title for bread.", Title, lambda: Title(title="Bread"))


class Endpoint(ThreadingHTTPServer):
    """A chat completions endpoint whose answers are prepared."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[dict[str, Any], str]] = []

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def will_say(self, text: str, **usage: int) -> None:
        """Prepare an answer of the model."""
        body = {"model": "m-2", "choices": [{"message": {"content": text}}], "usage": usage}
        self.replies.append((200, {}, json.dumps(body).encode()))


class Handler(BaseHTTPRequestHandler):
    """Answers with what is prepared."""

    server: Endpoint

    def do_POST(self) -> None:
        """Note what is asked and answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((body, self.headers.get("authorization", "")))
        status, headers, content = self.server.replies.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model(endpoint: Endpoint) -> Iterator[ChatCompletions]:
    found = ChatCompletions(endpoint.url, "m", "key", timeout=2)
    yield found
    found.close()


def test_without_a_model_rules_answer() -> None:
    answered = Offline().ask(question())
    assert answered.value == Title(title="Bread")
    assert answered.provenance()["model"] == OFFLINE


def test_an_answer_is_typed_and_says_where_it_comes_from(endpoint: Endpoint, model: ChatCompletions) -> None:
    endpoint.will_say('```json\n{"title": "Fresh"}\n```', prompt_tokens=12, completion_tokens=3)
    answered = model.ask(question())
    assert answered.value.title == "Fresh"
    assert answered.provenance() == {
        "model": "m",
        "model_version": "m-2",
        "prompt_hash": question().prompt_hash,
        "input_tokens": 12,
        "output_tokens": 3,
    }
    ((body, authorization),) = endpoint.asked
    assert authorization == "Bearer key"
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["title"]


def test_an_endpoint_without_schemas_is_asked_in_words(endpoint: Endpoint, model: ChatCompletions) -> None:
    endpoint.replies.append((400, {}, b"response_format is not supported"))
    endpoint.will_say('{"title": "Fresh"}')
    assert model.ask(question()).value.title == "Fresh"
    assert endpoint.asked[1][0]["response_format"] == {"type": "json_object"}
    assert '"title"' in endpoint.asked[1][0]["messages"][0]["content"]


def test_a_busy_endpoint_says_how_long_to_wait(endpoint: Endpoint, model: ChatCompletions) -> None:
    endpoint.replies.append((429, {"Retry-After": "7"}, b""))
    with pytest.raises(ModelBusy) as caught:
        model.ask(question())
    assert caught.value.retry_after == 7


@pytest.mark.parametrize("text", ["no JSON", '{"name": 1}', "[]"])
def test_an_answer_of_another_shape_is_asked_for_again(endpoint: Endpoint, model: ChatCompletions, text: str) -> None:
    endpoint.will_say(text)
    with pytest.raises(ModelBusy):
        model.ask(question())


def test_a_wrong_key_is_no_matter_of_time(endpoint: Endpoint, model: ChatCompletions) -> None:
    endpoint.replies.append((401, {}, b"wrong key"))
    with pytest.raises(ModelRefused, match="401"):
        model.ask(question())


def test_an_endpoint_that_is_away_is_asked_later() -> None:
    with pytest.raises(ModelBusy):
        ChatCompletions("http://127.0.0.1:9/v1", "m", timeout=0.5).ask(question())
