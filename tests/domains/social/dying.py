"""A worker process that runs what is due once, from the settings in its environment; it dies where it is told to."""

from growbase import wiring
from growbase.core.config import load_settings
from growbase.jobs.worker import Worker


def main() -> None:
    """Run due jobs."""
    settings = load_settings()
    database = wiring.open_database(settings)
    Worker(database, wiring.tasks(settings)).run_all()
    database.close()


if __name__ == "__main__":
    main()
