"""Starting Growbase."""

from typing import TYPE_CHECKING

from growbase.cli.opening import install, load_to_run, opened, seeded_lines
from growbase.cli.output import say
from growbase.core.loading import loading

if TYPE_CHECKING:
    from growbase.api.direct import Direct
    from growbase.core.config import Settings

APPLICATION = "growbase.cli.up:application"


def up() -> None:
    """Start: install or upgrade the database, fill it with demo data if it is empty, then serve.

    The owner is GROWBASE_ADMIN_EMAIL with GROWBASE_ADMIN_PASSWORD; a generated password is printed once.
    """
    settings = load_to_run()
    from growbase.ops.migrate import heads
    from growbase.ops.seed import first_start

    applied = install(settings)
    with opened(settings) as database:
        seeded = first_start(database, settings)
    if applied:
        say(f"Database at revision {', '.join(heads(settings))}.")
    if seeded is not None:
        lines = seeded_lines(seeded)
        for line in lines:
            say(line)
        if lines:
            say("These are shown only now: keep them.")
    _serve(settings)


def serve() -> None:
    """Serve an installed database; it is not upgraded."""
    settings = load_to_run()
    from growbase.ops.guard import install_facts

    with opened(settings) as database:
        install_facts(database, settings)
    _serve(settings)


def application() -> "Direct":
    """Build the application of one server process from the environment (granian calls this)."""
    with loading():
        from growbase.wiring import create_app

        return create_app()


def _serve(settings: "Settings") -> None:
    from growbase.api import server

    with loading():
        import growbase.api.app
        import growbase.studio.app  # noqa: F401 -- read here once, for every server process that is forked from this one

    if settings.studio_enabled:
        say(f"Studio  {settings.base_url}/studio")
    say(f"API     {settings.base_url}/api")
    if settings.docs_enabled:
        say(f"Docs    {settings.base_url}/docs")
    say(f"Listening on {settings.host}:{settings.port}; stop with Ctrl-C.")
    server.serve(settings, APPLICATION)
