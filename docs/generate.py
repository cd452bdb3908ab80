"""Writing the parts of the documentation that the program knows better than a person: `make docs`."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from docs.diagrams import diagram
from growbase import wiring
from growbase.core import clock, ddl
from growbase.core.config import Settings
from growbase.core.config_docs import env_example, settings_table
from growbase.core.database import Database
from growbase.core.model import View
from growbase.core.resource import Resource
from growbase.ops.history import revisions

ROOT = Path(__file__).resolve().parent.parent
FIRST_SETTINGS = (
    *("environment", "host", "port", "public_url", "data_dir", "database_url", "admin_email", "admin_password"),
    *("demo_data", "secret_key", "encryption_keys", "embedded_worker", "trash_days", "log_days"),
)
SEEDED_AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday: the demo month is quiet on weekends, so its figures depend on the day."""
UNTOLD = ("changes", "search_documents", "instance_facts", "alembic_version")


def files() -> dict[str, str]:
    """Return each generated file, whole, by its path in the repository."""
    return {
        ".env.example": env_example(),
        "README.md": with_parts("README.md", {"settings": first_settings()}),
        "docs/configuration.md": with_parts("docs/configuration.md", {"settings": settings_table()}),
        "docs/commands.md": with_parts("docs/commands.md", {"commands": commands()}),
        "docs/overview.md": with_parts("docs/overview.md", {"resources": resources()}),
        **{page: with_parts(page, {"diagram": drawn}) for page, drawn in diagrams().items()},
        "docs/seed-data.md": with_parts("docs/seed-data.md", seed_data()),
        **{
            f"src/growbase/migrations/schema.{engine}.sql": ddl.script(engine, revisions()[-1].id)
            for engine in ddl.ENGINES
        },
    }


def with_parts(path: str, parts: dict[str, str]) -> str:
    """Return a file with the text between its markers replaced; everything else is a person's."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for name, part in parts.items():
        start, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = text.partition(start)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            message = f"{path} has no markers for {name}"
            raise LookupError(message)
        text = f"{before}{start}\n{part.strip()}\n\n{end}{after}"
    return text


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(str(cell) for cell in line)} |".replace("|  |", "| |") for line in (headings, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(headings), *lines[1:]])


def first_settings() -> str:
    """Return the settings that a first installation meets, as a table."""
    lines = settings_table().splitlines()
    found = {line.split("`")[1]: line for line in lines if line.startswith("| `")}
    chosen = [found[f"GROWBASE_{name.upper()}"] for name in FIRST_SETTINGS]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *chosen])


def commands() -> str:
    """Return every command with the first sentence of its help."""
    from typer.main import get_command

    from growbase.cli.app import app

    rows = [(f"`{path}`", first_sentence(text)) for path, text in leaves("growbase", get_command(app))]
    return table(("command", "does"), rows)


def leaves(path: str, command: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- Typer's own copy of Click
    """Yield each command that runs something, with its help."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command.help or ""
        return
    for name, found in inner.items():
        yield from leaves(f"{path} {name}", found)


def first_sentence(text: str) -> str:
    """Return a docstring's first sentence without the full stop."""
    return re.split(r"\.(?:\s|$)", " ".join(text.split()), maxsplit=1)[0].replace("|", "\\|")


def resources() -> str:
    """Return the nouns of each domain: what each is, and what goes to the trash with it."""
    parts = []
    found = wiring.catalog().resources
    for domain in wiring.DOMAINS:
        own = [one for one in found if one.model.__module__.startswith(f"growbase.domains.{domain}.")]
        rows = [(f"`{url(one)}`", first_sentence(one.model.__doc__ or ""), verbs(one)) for one in own]
        parts.append(f"### {domain.capitalize()}\n\n{table(('path', 'one row is', 'verbs'), rows)}")
    return "\n\n".join(parts)


def url(resource: Resource) -> str:
    """Return the path of a resource."""
    folder = "/api/views" if issubclass(resource.model, View) else "/api"
    return f"{folder}/{resource.name}"


def verbs(resource: Resource) -> str:
    """Return the names of the verbs of a resource."""
    names = [*resource.verbs, *(["transition"] if resource.transitions else [])]
    return ", ".join(f"`{name}`" for name in names)


def diagrams() -> dict[str, str]:
    """Return the entity diagram of each domain, by the page it belongs to."""
    catalog = wiring.catalog()
    return {f"docs/domains/{name}.md": diagram(catalog, f"growbase.domains.{name}") for name in wiring.DOMAINS}


@contextmanager
def seeded() -> Iterator[Database]:
    """Give a temporary database as `growbase seed` leaves it on a Monday."""
    from growbase.cli.opening import install
    from growbase.ops.seed import seed_demo

    wiring.catalog()
    with TemporaryDirectory(prefix="growbase-docs-") as folder, patch.object(clock, "now", lambda: SEEDED_AT):
        settings = Settings(data_dir=Path(folder))
        install(settings)
        database = wiring.open_database(settings)
        try:
            seed_demo(database, settings)
            yield database
        finally:
            database.close()


def seed_data() -> dict[str, str]:
    """Return the parts that tell what the demo data is, read from a database that holds it."""
    with seeded() as database:
        rows = database.query
        users = rows("SELECT u.email, m.role FROM users u JOIN memberships m ON m.user_id = u.id ORDER BY u.email")
        brands = rows("SELECT name, industry, tagline FROM brands ORDER BY name")
        named = "group_concat(j.name || ' (' || j.status || ')', ', ')"
        campaigns = rows(
            "SELECT c.name, b.name, c.campaign_type, c.status, "
            f"(SELECT {named} FROM journeys j WHERE j.campaign_id = c.id), "
            "(SELECT count(*) FROM contents t WHERE t.campaign_id = c.id), "
            "(SELECT count(*) FROM analytics_events e WHERE e.campaign_id = c.id) "
            "FROM campaigns c JOIN brands b ON b.id = c.brand_id ORDER BY c.name"
        )
        contents = rows(
            "SELECT c.name, t.title, t.type, t.status, "
            "(SELECT count(*) FROM content_variants v WHERE v.content_id = t.id) "
            "FROM contents t JOIN campaigns c ON c.id = t.campaign_id ORDER BY c.name, t.title"
        )
        counts = [
            (f"`{found.name}`", f"{count:,}")
            for found in ddl.tables()
            if found.name not in UNTOLD and (count := rows(f"SELECT count(*) FROM {found.name}")[0][0])
        ]
    heads = ("campaign", "brand", "type", "status", "journeys", "contents", "events")
    return {
        "users": table(("address", "role"), users),
        "brands": table(("brand", "industry", "tagline"), brands),
        "campaigns": table(heads, campaigns),
        "contents": table(("campaign", "content", "type", "status", "variants"), contents),
        "counts": table(("table", "rows"), counts),
    }


def main() -> None:
    """Write what has changed and name it."""
    wiring.catalog()
    for name, text in files().items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"Written: {name}\n")


if __name__ == "__main__":
    main()
