"""The load generator: wrk with one thread, sending ready-made requests and counting every answer that is no success."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
SECONDS_TO_STOP = 20

# The first call only lets wrk look at the request; it is never sent.
SCRIPT = """
local requests, place = {}, -1
function init(args)
  local file = assert(io.open(args[1], "rb"))
  while true do
    local line = file:read("*l")
    if not line then break end
    requests[#requests + 1] = file:read(tonumber(line))
  end
  file:close()
end
function request()
  place = place + 1
  if place == 0 then return requests[1] end
  return requests[(place - 1) % #requests + 1]
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\nRESULT {"requests":%d,"microseconds":%d,"p50":%.0f,"p99":%.0f,"worst":%.0f,"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    e.status, e.connect + e.read + e.write + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run gave; latencies in milliseconds."""

    rate: float
    p50: float
    p99: float
    worst: float
    requests: int
    errors: int


def http(method: str, path: str, token: str = "", body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}"]
    if token:
        lines.append(f"Authorization: {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def post(path: str, token: str, document: object) -> bytes:
    """Return a POST of a JSON document."""
    return http("POST", path, token, json.dumps(document, separators=(",", ":")).encode())


def require_wrk(root: Path) -> str:
    """Return wrk's version, after installing it where it is missing."""
    if shutil.which("wrk") is None:
        subprocess.run([root / "tests" / "install_packages.sh", "wrk"], check=True)
    shown = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return shown.split(" [")[0].strip()


def run(folder: Path, port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Result:
    """Send ``requests`` in turn, over and over, for some seconds."""
    script, texts = folder / "load.lua", folder / f"requests-{port}"
    script.write_text(SCRIPT)
    with texts.open("wb") as file:
        for text in requests:
            file.write(b"%d\n%s" % (len(text), text))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{int(seconds)}s", "--timeout", "5s", "-s", str(script)]
    done = subprocess.run(
        [*command, f"http://{HOST}:{port}", "--", str(texts)],
        capture_output=True,
        text=True,
        timeout=seconds + SECONDS_TO_STOP,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not found:
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    result = json.loads(found[0].removeprefix("RESULT "))
    return Result(
        rate=result["requests"] / (result["microseconds"] / 1e6),
        p50=result["p50"] / 1000,
        p99=result["p99"] / 1000,
        worst=result["worst"] / 1000,
        requests=result["requests"],
        errors=result["refused"] + result["broken"],
    )
