"""What a live database holds, read from its own catalogue in a form that two databases can be compared by."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from growbase.core import ddl

Catalog = dict[str, frozenset[str]]
"""Object (``table campaigns``) to the lines that define it, in no order."""
Rows = Callable[[str], Iterable[Any]]
"""Runs one query and returns its rows."""

_POSTGRESQL = {
    "table": """
        SELECT c.relname, 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN l.collname <> 'default' THEN ' collate ' || l.collname ELSE '' END
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
            || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END
            || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition
        UNION ALL
        SELECT c.relname, 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND k.contype IN ('c', 'f', 'p', 'u', 'x')
        AND NOT c.relispartition AND k.conname !~ '_before_[0-9]{4}_[0-9]{2}$'
    """,
    "index": """
        SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid
        WHERE i.relnamespace = quote_ident(current_schema())::regnamespace AND NOT i.relispartition
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x'))
    """,
    "trigger": """
        SELECT t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND NOT t.tgisinternal
        AND NOT c.relispartition AND t.tgname !~ '_keys_(note|keep|forget)$'
    """,
    "view": """
        SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c
        WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'v'
    """,
    "function": """
        SELECT p.proname, pg_get_function_identity_arguments(p.oid) || ' ' || pg_get_function_result(p.oid) || p.prosrc
        FROM pg_proc p
        WHERE p.pronamespace = quote_ident(current_schema())::regnamespace AND p.prokind = 'f'
        AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    """,
}


def read_catalog(engine: str, rows: Rows) -> Catalog:
    """Return everything in the database, or in the current schema of PostgreSQL."""
    return _read_postgresql(rows) if engine == "postgresql" else _read_sqlite(rows)


def _read_sqlite(rows: Rows) -> Catalog:
    found: Catalog = {}
    for kind, name, text in rows("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if name.startswith(ddl.IGNORED_TABLES):
            continue
        plain = " ".join(text.replace('"', "").replace("\\:", ":").split())
        is_table = kind == "table" and "VIRTUAL" not in plain
        found[f"{kind} {name}"] = frozenset(_table_items(plain) if is_table else [plain])
    return found


def _table_items(create: str) -> list[str]:
    """Return the columns, constraints and options of a CREATE TABLE; a rebuilt table lists them in another order."""
    start = create.index("(")
    items, depth, item, text = [], 0, "", False
    for place, letter in enumerate(create[start:], start):
        text ^= letter == "'"
        depth += 0 if text else (letter == "(") - (letter == ")")
        if depth == 0:
            items.append(create[place + 1 :])
            break
        if letter == "," and depth == 1 and not text:
            items.append(item)
            item = ""
        else:
            item += letter if place > start else ""
    return [" ".join(found.split()) for found in [*items, item] if found.strip()]


def _read_postgresql(rows: Rows) -> Catalog:
    schema = next(iter(rows("SELECT current_schema()")))[0]
    divided = [str(row[0]) for row in rows("SELECT relname FROM pg_class WHERE relkind = 'p'")]
    qualified = re.compile(rf'\b{re.escape(schema)}\.|"{re.escape(schema)}"\.')
    found: dict[str, set[str]] = defaultdict(set)
    for kind, sql in _POSTGRESQL.items():
        for name, text in rows(sql):
            if not name.startswith(ddl.IGNORED_TABLES):
                # PostgreSQL names the schema in these two only; elsewhere it would be part of a text.
                plain = qualified.sub("", text) if kind in {"index", "trigger"} else text
                shown, plain = _undivided(name, plain, divided) if kind == "index" else (name, plain)
                found[f"{kind} {shown}"].add(" ".join(plain.split()))
    return {name: frozenset(lines) for name, lines in found.items()}


def _undivided(index: str, text: str, divided: Iterable[str]) -> tuple[str, str]:
    """Return an index as if its table had no partitions (``core.partitions``) and no table of keys beside them."""
    for table in divided:
        text = text.replace(f" ON ONLY {table} ", f" ON {table} ")
        if index == f"{table}_keys_unique":
            unique = f"uq_{table}_{text.rpartition(', ')[2].rstrip(')')}"
            return unique, text.replace(f"{index} ON {table}_keys ", f"{unique} ON {table} ")
    return index, text
