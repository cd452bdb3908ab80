import json
import logging
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest
import structlog
from pydantic import SecretStr

from growbase.core import telemetry
from growbase.core.telemetry import LogFormat, configure_telemetry, instrument, request_context


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_event_is_one_json_line_with_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure_telemetry(log_format="json")
    with request_context("r-1", organization="o-1"):
        instrument("post.published", posts=2, cost=Decimal("1.5"))
    instrument("server.stopped", level="warning")
    first, second = lines(capsys.readouterr().err)
    assert first["event"] == "post.published"
    assert (first["request_id"], first["organization"], first["posts"], first["cost"]) == ("r-1", "o-1", 2, "1.5")
    assert (first["level"], second["level"]) == ("info", "warning")
    assert "request_id" not in second


def test_logs_of_libraries_take_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_telemetry(log_format="json")
    try:
        int("postgresql://u:hunter2@h/d")
    except ValueError:
        logging.getLogger("some.library").exception("it %s", "broke")
    text = capsys.readouterr().err
    (line,) = lines(text)
    assert (line["event"], line["logger"], line["level"]) == ("it broke", "some.library", "error")
    assert "ValueError" in str(line["exception"])
    assert "hunter2" not in text


def test_events_below_the_level_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_telemetry(level="warning", log_format="json")
    instrument("quiet.event")
    instrument("quiet.event", level="debug")
    logging.getLogger("some.library").info("quiet")
    assert not capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_secrets_never_reach_the_log(log_format: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    configure_telemetry(log_format=log_format)
    instrument(
        "login.failed",
        password="hunter2",
        Authorization="Bearer hunter2",
        headers={"Set-Cookie": "hunter2", "nested": [{"refresh_token": "hunter2"}]},
        client_secret=b"hunter2",
        database="postgresql://u:hunter2@h/d",
        cache=("redis://:hunter2@h", SecretStr("hunter2")),
        user="ann",
    )
    text = capsys.readouterr().err
    assert "hunter2" not in text
    assert "ann" in text


def test_auto_is_json_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_telemetry(log_format="auto")
    instrument("a.b")
    assert lines(capsys.readouterr().err)[0]["event"] == "a.b"


def test_auto_is_console_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_telemetry(log_format="auto")
    instrument("a.b")
    text = capsys.readouterr().err
    assert "a.b" in text
    assert not text.startswith("{")


def figure(name: str, **labels: str) -> float:
    return telemetry.REGISTRY.get_sample_value(name, labels) or 0.0


def test_requests_are_counted_by_route_method_and_status() -> None:
    labels = {"route": "/api/campaigns/{id}", "method": "GET", "status": "200"}
    before = figure("growbase_http_request_seconds_count", **labels)
    telemetry.observe_request("/api/campaigns/{id}", "GET", 200, 0.004)
    telemetry.observe_request("/api/campaigns/{id}", "GET", 200, 0.3)
    assert figure("growbase_http_request_seconds_count", **labels) == before + 2


def test_batches_units_and_jobs_are_counted() -> None:
    batches = figure("growbase_db_batch_units_sum")
    units = figure("growbase_db_unit_seconds_count", outcome="failed")
    jobs = figure("growbase_job_seconds_count", queue="mail", task="send", outcome="done")
    telemetry.observe_batch(7)
    telemetry.observe_unit(0.001, "failed")
    telemetry.observe_job("mail", "send", "done", 0.2)
    assert figure("growbase_db_batch_units_sum") == batches + 7
    assert figure("growbase_db_unit_seconds_count", outcome="failed") == units + 1
    assert figure("growbase_job_seconds_count", queue="mail", task="send", outcome="done") == jobs + 1


def test_a_slow_query_is_counted_and_logged_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure_telemetry(log_format="json")
    before = figure("growbase_db_slow_queries_total", statement="campaigns.list")
    telemetry.observe_slow_query("campaigns.list", 0.51234)
    assert figure("growbase_db_slow_queries_total", statement="campaigns.list") == before + 1
    assert lines(capsys.readouterr().err)[0]["milliseconds"] == 512.3


def test_the_figures_come_in_the_prometheus_format() -> None:
    body, content_type = telemetry.render_metrics()
    assert b"# TYPE growbase_http_request_seconds histogram" in body
    assert b"process_open_fds" in body
    assert content_type.startswith("text/plain")
    assert telemetry.render_metrics()[0]
