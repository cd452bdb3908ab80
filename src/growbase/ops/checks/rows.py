"""Checks of what rows say against each other: counters and ledgers, totals and lines, sums and events."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from growbase.core.actor import system
from growbase.core.facts import delete_facts
from growbase.core.model import table_of
from growbase.core.reads import Where
from growbase.core.resource import Resource
from growbase.core.statements import Plan, mark, plan_of
from growbase.core.tables import SearchDocument
from growbase.core.transaction import Transaction
from growbase.domains.commerce.actions_orders import mismatched_orders, repair_total
from growbase.domains.commerce.models_purchasing import OrderStatus, PurchaseOrder
from growbase.domains.identity.counters import reconcile
from growbase.domains.identity.models_billing import UsageCounter
from growbase.domains.identity.queries import list_organizations
from growbase.domains.identity.terms import LIVE
from growbase.domains.marketing.actions_analytics import rebuild_day
from growbase.domains.marketing.models_analytics import AnalyticsDaily
from growbase.domains.marketing.queries import organization_zone
from growbase.domains.marketing.tasks import unclaimed_files
from growbase.ops.checks.finding import Finding, Patient, error, warning

DAYS: Final = 30
"""Days whose sums are compared with their events."""
PAGE: Final = 500
LOGICAL: Final = (
    ("jobs", "organization_id", "organizations"),
    ("usage_events", "organization_id", "organizations"),
    ("analytics_events", "organization_id", "organizations"),
    ("search_documents", "organization_id", "organizations"),
)
"""Columns that refer to rows without a foreign key, because each row would pay for it."""


def logical_references(patient: Patient) -> Iterator[Finding]:
    """Look for rows whose organization is not there, where no foreign key says so."""
    for table, column, target in LOGICAL:
        sql = (
            f"SELECT count(*) FROM {table} c WHERE c.{column} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {target} p WHERE p.id = c.{column})"
        )
        count = patient.database.query(sql)[0][0] if patient.deep else 0
        if count:
            yield error(
                f"{count} rows belong to organizations that are not there.",
                table,
                "Restore the organization from a backup, or delete these rows in SQL after a backup.",
            )


def files(patient: Patient) -> Iterator[Finding]:
    """Compare the rows of files with what the storage holds."""
    if not patient.deep:
        return
    store = patient.files
    keys = {entry.key for batch in store.entries() for entry in batch}
    sign = mark(patient.database.engine)
    sql = (
        "SELECT id, storage_key, size_bytes FROM assets WHERE purged_at IS NULL AND erased_at IS NULL "
        f"AND storage_provider = {sign} AND coalesce(storage_bucket, '') = {sign}"
    )
    for id, key, _ in patient.database.query(sql, (store.provider, store.bucket or "")):
        if key not in keys:
            yield error(
                "The file of this row is not in the storage.",
                f"assets {id}",
                "Put the file back from the backup of the storage, or delete the row in the program.",
            )
    for orphans in unclaimed_files(patient.database, store):
        if orphans:
            yield warning(
                f"{len(orphans)} files have no row, the first is {orphans[0]}.",
                "storage",
                "Delete them (marketing/orphaned_files does so every night).",
                partial(_delete_files, patient, orphans),
            )


def _delete_files(patient: Patient, keys: list[str]) -> None:
    for key in keys:
        patient.files.delete(key)


def usage(patient: Patient) -> Iterator[Finding]:
    """Prove the counters of use against their ledger, their reservations and the rows they stand for."""
    for organization_id in _organizations(patient) if patient.deep else ():
        actor = system("doctor", organization_id)
        wrong = patient.database.write(actor, _wrong_counters, dry_run=True)
        for counter_id, metric in wrong:
            yield error(
                f"The counter of {metric} is not what its ledger says.",
                f"usage_counters {counter_id}",
                "Set it to what the ledger says (identity/reconcile_usage does so every day).",
                partial(patient.database.write, actor, partial(_reconcile, counter_id=counter_id)),
            )


def _wrong_counters(tx: Transaction) -> list[tuple[UUID, str]]:
    found = tx.rows(UsageCounter, Where("period_end", ">", tx.now), order="metric, id")
    return [(counter.id, counter.metric.value) for counter in found if reconcile(tx, counter.id)]


def _reconcile(tx: Transaction, *, counter_id: UUID) -> None:
    reconcile(tx, counter_id)


def order_totals(patient: Patient) -> Iterator[Finding]:
    """Compare the totals of purchase orders with their lines, and what has arrived with the receipts."""
    for organization_id in _organizations(patient):
        actor = system("doctor", organization_id)
        with patient.database.read(actor) as reads:
            found = mismatched_orders(reads)
            drafts = {str(row.id) for row in reads.rows(PurchaseOrder, status=OrderStatus.DRAFT)} if found else set()
        for row in found:
            is_draft = row["id"] in drafts
            papers = "Compare with the vendor's papers and the audit log (growbase audit ls): others have seen it."
            mend = partial(patient.database.write, actor, partial(repair_total, id=UUID(row["id"])))
            yield error(
                f"It says {row['stored']}, what it is made of says {row['computed']}.",
                f"{row['table']} {row['id']}",
                "Add the lines of the draft up again." if is_draft else papers,
                mend if is_draft else None,
            )


def one_subscription(patient: Patient) -> Iterator[Finding]:
    """Look for organizations with more than one live subscription."""
    live = ", ".join(f"'{status.value}'" for status in sorted(LIVE))
    sql = (
        f"SELECT organization_id, count(*) FROM subscriptions WHERE status IN ({live}) "
        "GROUP BY organization_id HAVING count(*) > 1"
    )
    for organization_id, count in patient.database.query(sql):
        yield error(
            f"The organization has {count} live subscriptions.",
            f"organizations {organization_id}",
            "Look at the payment provider which one is paid for, and cancel the others there and here.",
        )


# -- analytics --------------------------------------------------------------------------------------------------------


def rollups(patient: Patient) -> Iterator[Finding]:
    """Compare the sums of the last days with their events (marketing/repaired_days makes the last two every night)."""
    for organization_id in _organizations(patient) if patient.deep else ():
        actor = system("doctor", organization_id)
        days = patient.database.write(actor, _wrong_days, dry_run=True)
        for day in days:
            yield error(
                f"The sums of {day} are not those of its events.",
                f"analytics_daily of {organization_id}",
                "Make the day's sums anew from its events.",
                partial(patient.database.write, actor, partial(rebuild_day, day=day)),
            )


def _wrong_days(tx: Transaction) -> list[date]:
    today = tx.now.astimezone(organization_zone(tx)).date()
    return [day for back in range(DAYS) if _differs(tx, day := today - timedelta(days=back))]


def _differs(tx: Transaction, day: date) -> bool:
    before = _sums(tx, day)
    return rebuild_day(tx, day=day) > 0 and _sums(tx, day) != before


def _sums(tx: Transaction, day: date) -> set[tuple[object, ...]]:
    """Return a day's sums; how many subjects there were is only exact once the day has been made anew."""
    names = ("campaign_id", "content_id", "variant_id", "event_type", "currency", "count", "value_minor")
    found = tx.rows(AnalyticsDaily, day=day)
    return {tuple(row.__dict__[name] for name in names) for row in found if row.count or row.value_minor}


# -- search -----------------------------------------------------------------------------------------------------------


def search(patient: Patient) -> Iterator[Finding]:
    """Compare the search table, and SQLite's index over it, with the rows."""
    if not patient.is_postgresql:
        yield from _sqlite_index(patient)
    for resource in patient.database.catalog.resources:
        if resource.search:
            yield from _left_over(patient, resource)
            if patient.deep:
                yield from _words(patient, resource)


def _sqlite_index(patient: Patient) -> Iterator[Finding]:
    sql = "SELECT rid FROM search_documents EXCEPT SELECT id FROM search_index_docsize"
    missing = [rid for (rid,) in patient.database.query(sql)]
    if missing:
        yield error(
            f"{len(missing)} rows can't be found: the full-text index lacks them.",
            "search_index",
            "Index them again.",
            partial(patient.database.write, system("doctor"), partial(_touch, rids=missing)),
        )


def _touch(tx: Transaction, *, rids: list[int]) -> None:
    """Write the documents as they are; a trigger has the writer index them."""
    rows = tx.rows(SearchDocument, rid=rids, anywhere=True)
    for row in rows:
        tx.for_organization(row.organization_id).set_facts(SearchDocument, {"rid": row.rid}, {"words": row.words})


def _left_over(patient: Patient, resource: Resource) -> Iterator[Finding]:
    name, owner = resource.table.name, resource.model.__scope__ or "organization_id"
    sql = (
        f"SELECT d.organization_id, d.entity_id FROM search_documents d WHERE d.entity = '{name}' AND NOT EXISTS "
        f"(SELECT 1 FROM {name} t WHERE t.{owner} = d.organization_id AND t.id = d.entity_id)"
    )
    for organization_id, id in patient.database.query(sql):
        actor = system("doctor", UUID(str(organization_id)))
        keys = {"entity": name, "entity_id": UUID(str(id))}
        yield warning(
            "A search finds a row that is not there.",
            f"{name} {id}",
            "Forget its words.",
            partial(patient.database.write, actor, partial(delete_facts, model=SearchDocument, keys=keys)),
        )


def _words(patient: Patient, resource: Resource) -> Iterator[Finding]:
    """Go through the rows a page at a time and compare the words they are found by."""
    plan, database = plan_of(resource.model, patient.database.engine), patient.database
    owner, sign = plan.scope or "organization_id", mark(patient.database.engine)
    columns = ", ".join(f"t.{name}" for name in plan.fields)
    after: tuple[object, ...] | None = None
    while True:
        where = f"WHERE (t.{owner}, t.id) > ({sign}, {sign}) " if after else ""
        same = f"d.organization_id = t.{owner} AND d.entity = '{plan.table}' AND d.entity_id = t.id"
        sql = (
            f"SELECT {columns}, d.words FROM {plan.table} t LEFT JOIN search_documents d ON {same} "
            f"{where}ORDER BY t.{owner}, t.id LIMIT {PAGE}"
        )
        rows = database.query(sql, after or ())
        for row in rows:
            yield from _compare_words(patient, resource, plan, row)
        if len(rows) < PAGE:
            return
        names = list(plan.fields)
        after = (rows[-1][names.index(owner)], rows[-1][names.index("id")])


def _compare_words(patient: Patient, resource: Resource, plan: Plan, row: tuple[Any, ...]) -> Iterator[Finding]:
    values = plan.instance(row[:-1]).__dict__
    if resource.words(values) == row[-1]:
        return
    owner = values[plan.scope or "organization_id"]
    mend = partial(_index_again, resource=resource, id=values["id"])
    yield error(
        "The row can't be found by its words." if row[-1] is None else "The row is found by other words than its own.",
        f"{plan.table} {values['id']}",
        "Index it again.",
        partial(patient.database.write, system("doctor", owner), mend),
    )


def _index_again(tx: Transaction, *, resource: Resource, id: UUID) -> None:
    row = tx.get(resource.model, id, lock=True, trash=True).__dict__
    keys = {"entity": table_of(resource.model).name, "entity_id": id}
    words = resource.words(row)
    if not tx.set_facts(SearchDocument, keys, {"words": words}):
        owner = row[resource.model.__scope__ or "organization_id"]
        tx.insert_facts(SearchDocument, [{"organization_id": owner, **keys, "words": words}])


def _organizations(patient: Patient) -> list[UUID]:
    with patient.database.read(system("doctor")) as reads:
        return [*list_organizations(reads)]
