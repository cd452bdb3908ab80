"""Entity diagrams of the domains, drawn from the models in Mermaid."""

from collections.abc import Iterator

import sqlalchemy as sa

from growbase.core.model import Root, View, rule_of, table_of
from growbase.core.resource import Catalog

SHARED = frozenset({"organization_id", "created_by", "updated_by", "deleted_by"})
"""Columns that every table has: no diagram says them again."""
KINDS = {"reference": "uuid", "identifier": "uuid", "choice": "enum", "moment": "timestamp", "document": "json"}


def diagram(catalog: Catalog, package: str) -> str:
    """Return the tables of a package: what each refers to, its state, and what is unique in it."""
    own = {name: model for name, model in sorted(catalog.models.items()) if _is_of(model, package)}
    lines = ["```mermaid", "erDiagram"]
    for name, model in own.items():
        lines += [f"    {name} {{", *(f"        {column}" for column in _columns(model)), "    }"]
    for name, model in own.items():
        lines += [f"    {line}" for line in _relations(name, model)]
    return "\n".join([*lines, "```"])


def _is_of(model: type[Root], package: str) -> bool:
    return model.__module__.startswith(f"{package}.") and not issubclass(model, View)


def _columns(model: type[Root]) -> Iterator[str]:
    """Yield the columns that say how a table hangs together."""
    table = table_of(model)
    unique = {column.name for index in table.indexes if index.unique for column in _plain(index)}
    for column in table.columns:
        rule = rule_of(column)
        name = column.name.removesuffix("_norm") if rule.norm_of else column.name
        marks = [*(["PK"] if name == "id" else []), *(["FK"] if rule.target else [])]
        if column.name in unique:
            marks.append("UK")
        is_state = rule.kind == "choice" and name == "status"
        if name in SHARED or not (marks or is_state):
            continue
        yield f"{KINDS.get(rule.kind, rule.kind)} {name} {', '.join(marks)}".rstrip()


def _plain(index: sa.Index) -> Iterator[sa.Column[object]]:
    return (column for column in index.columns if column.name not in {"organization_id", "id"})


def _relations(name: str, model: type[Root]) -> Iterator[str]:
    """Yield one line for each reference: whole or optional, and what purging the target does."""
    for column in table_of(model).columns:
        rule = rule_of(column)
        if rule.target is None or column.name in SHARED:
            continue
        end = "|o" if column.nullable else "||"
        label = column.name.removesuffix("_id")
        yield f'{rule.target} {end}--o{{ {name} : "{label}"'
