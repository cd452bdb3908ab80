"""The statements Growbase runs for a read, taken from its own compilers, so that the raw limit runs the very same."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from bench import data
from bench.servers import dashboard_range
from growbase import wiring
from growbase.core.actor import system
from growbase.core.crypto import Keyring
from growbase.core.query import parse
from growbase.core.reads import Context, Reads
from growbase.core.select import Segment, page_sql, row_sql
from growbase.domains.marketing.queries import campaign_series

ORGANIZATION, CAMPAIGN = data.organization_id(0), data.campaign_id(0)
Statement = tuple[str, list[object]]


class _Recorder:
    """Stands for a connection: notes the last statement, and finds an organization that counts its days in UTC."""

    def __init__(self, context: Context) -> None:
        self.reads = Reads(context, system(organization_id=ORGANIZATION), self.execute)
        self.last: Statement = ("", [])

    def execute(self, sql: str, params: Sequence[object] = ()) -> "_Recorder":
        self.last = (sql, [_marked(value) for value in params])
        return self

    def fetchone(self) -> tuple[str]:
        return ("UTC",)

    def fetchall(self) -> list[tuple[object, ...]]:
        return []


def _marked(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return {str(ORGANIZATION): "{organization}", str(CAMPAIGN): "{what}"}.get(str(value), value)


def _dashboard(engine: str) -> Statement:
    recorder = _Recorder(Context(engine, wiring.catalog(), Keyring.generate()))
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in dashboard_range())
    campaign_series(recorder.reads, campaign_id=CAMPAIGN, start=start, end=end)
    return recorder.last


def statements(engine: str) -> dict[str, Statement]:
    """Return the statements of each workload; ``{organization}`` and ``{what}`` stand for what a request names."""
    catalog = wiring.catalog()
    campaigns = catalog.by_name["campaigns"]
    found: dict[str, Statement] = {
        "W1": (row_sql(catalog, "campaigns", engine), ["{organization}", "{what}"]),
        "W6": _dashboard(engine),
    }
    for workload, more in (("W2", "&counts=journeys,contents"), ("W2b", "")):
        shape = parse(catalog, campaigns, f"status=active&sort=-updated_at&limit=20{more}").shape
        sql = page_sql(catalog, "campaigns", engine, shape, Segment(None, after=False), offset=False)
        found[workload] = (sql, ["{organization}", "{what}", 21])
    return found
