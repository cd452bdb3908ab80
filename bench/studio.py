"""Measure Studio's lists over few and over very many rows, and what a page weighs."""

import argparse
import gzip
import http.client
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench.data import Size
from bench.servers import GROWBASE, Growbase
from tests.postgres import DURABLE, find_programs, postgres_server

RESULTS = Path(__file__).resolve().parent / "studio.md"
EMAIL, PASSWORD = "reader@example.com", "correct horse battery staple"
TARGET = 50.0
"""Milliseconds to the first byte of a list."""
HEAVIEST = 300
"""Kilobytes a first visit of a page may take."""
LISTS = {
    "newest first": "/studio/campaigns",
    "filter and sort": "/studio/campaigns?status=active&sort=-updated_at",
    "by name": "/studio/campaigns?sort=name",
    "a far page": "",
    "search": "/studio/campaigns?q=newsletter",
    "a row": "",
}


@dataclass
class Visitor:
    """A signed-in browser on one connection."""

    connection: http.client.HTTPConnection
    cookie: str

    def get(self, path: str) -> tuple[float, bytes]:
        """Return the milliseconds until the first byte of an answer, and its body."""
        started = time.perf_counter()
        self.connection.request("GET", path, headers={"Cookie": self.cookie, "Accept-Encoding": "gzip"})
        answer = self.connection.getresponse()
        spent = (time.perf_counter() - started) * 1_000
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:500])
        return spent, gzip.decompress(body) if answer.headers.get("content-encoding") == "gzip" else body


def sign_in(system: Growbase) -> Visitor:
    """Make a user of the first organization and sign in."""
    command = [*GROWBASE, "user", "create", EMAIL, "--organization", "org-0", "--role", "owner", "--password-stdin"]
    env = {**os.environ, **system.environment()}
    done = subprocess.run(command, env=env, input=f"{PASSWORD}\n", text=True, check=False, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{done.stdout}{done.stderr}")
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=30)
    connection.request("GET", "/studio/login")
    answer = connection.getresponse()
    page = answer.read().decode()
    token = re.search(r'name="csrf" value="([^"]*)"', page)
    kept = [value.split(";")[0] for name, value in answer.getheaders() if name == "set-cookie"]
    form = urlencode({"email": EMAIL, "password": PASSWORD, "csrf": token[1] if token else ""})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": "; ".join(kept)}
    connection.request("POST", "/studio/login", form, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 303, answer.status
    kept += [value.split(";")[0] for name, value in answer.getheaders() if name == "set-cookie"]
    return Visitor(connection, "; ".join(kept))


def lists(system: Growbase, times: int) -> tuple[dict[str, list[float]], str]:
    """Return the milliseconds of each list, warmed up once, and what the first visit of one weighs."""
    found = {}
    with system.serving():
        visitor = sign_in(system)
        _, page = visitor.get("/studio/campaigns")
        for _ in range(20):
            following = re.search(r'href="([^"]+)" rel="next"', page.decode())
            assert following is not None
            address = following[1].replace("&amp;", "&")
            _, page = visitor.get(address)
        row = re.search(r'href="(/studio/campaigns/[0-9a-f-]{36})"', page.decode())
        assert row is not None
        for name, given in LISTS.items():
            path = given or {"a far page": address, "a row": row[1]}[name]
            visitor.get(path)
            found[name] = sorted(visitor.get(path)[0] for _ in range(times))
        return found, weight(visitor)


def weight(visitor: Visitor) -> str:
    """Return what the first visit of a list takes: the page and each file it names."""
    _, page = visitor.get("/studio/campaigns")
    names = sorted(set(re.findall(r'(?:href|src)="(/studio/static/[^"]+)"', page.decode())))
    parts = {"the page": len(page)} | {name.rpartition("/")[2]: len(visitor.get(name)[1]) for name in names}
    total = sum(parts.values()) / 1_000
    listed = ", ".join(f"{name} {size / 1_000:.0f}" for name, size in parts.items())
    return f"First visit of a list: {total:.0f} kB uncompressed (target {HEAVIEST}), of it {listed}."


def report(engine: str, few: dict[str, list[float]], many: dict[str, list[float]], rows: int) -> list[str]:
    """Return one engine's table."""
    lines = [f"## {engine}", "", f"| | 20,000 rows: median, worst | {rows:,} rows: median, worst | ratio |"]
    lines.append("|---|---|---|---|")
    for name, spent in many.items():
        before, after = median(few[name]), median(spent)
        verdict = "" if after < TARGET else f" (over {TARGET:.0f} ms)"
        told = f"| {name} | {before:.1f}, {few[name][-1]:.1f} ms | {after:.1f}, {spent[-1]:.1f} ms{verdict} |"
        lines.append(f"{told} {after / before:.2f} |")
    return [*lines, ""]


def main() -> None:
    """Measure both engines and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.studio", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large table")
    parser.add_argument("--times", type=int, default=100, help="visits of each page")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="one engine only")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    lines = ["# Studio's lists", "", "`python -m bench.studio` writes this page; milliseconds to the first byte on one"]
    lines += ["connection, two shared cores, one organization.", ""]
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="growbase-studio-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for engine in ("sqlite", "postgresql"):
            if options.engine not in (None, engine):
                continue
            found = {}
            for rows in (20_000, options.rows):
                place = folder / f"{engine}-{rows}"
                place.mkdir()
                with ExitStack() as own:
                    url = None
                    if engine == "postgresql":
                        programs = find_programs()
                        assert programs is not None, "PostgreSQL's programs are missing"
                        url = own.enter_context(postgres_server(programs, DURABLE)).create_database(name="bench")
                    size = Size(organizations=1, campaigns=rows, events=1, parts=False)
                    system = Growbase(engine, place, size, url=url)
                    system.prepare()
                    found[rows], told = lists(system, options.times)
                shutil.rmtree(place)
            if engine == "sqlite":
                lines += [told, ""]
            lines += report(
                "SQLite" if engine == "sqlite" else "PostgreSQL", found[20_000], found[options.rows], options.rows
            )
    options.output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(options.output.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
