"""What must be done to a schema so that it becomes another one, as the body of a revision's function."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from growbase.core import ddl
from growbase.core.errors import Invalid
from growbase.ops.history import Declared
from growbase.ops.shapes import ColumnShape, ConstraintShape, IndexShape, TableShape, flat_target, shape_of
from growbase.ops.source import Call, Node, call, lines, listed, quoted, sql

_NEUTRAL = {
    "types.Text()": "''",
    "types.Integer()": "0",
    "types.Real()": "0",
    "types.Boolean()": "false",
    "types.Document()": "'null'",
}
"""What a required column gets that a downgrade brings back empty."""
_KINDS = {"Check": "check", "ForeignKey": "foreignkey", "Unique": "unique"}


@dataclass(slots=True)
class Body:
    """Source lines of a function, and what a person should look at."""

    source: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    per_engine: bool = False

    def add(self, node: Node, indent: int = 4) -> None:
        """Append one statement."""
        self.source += lines(node, indent)

    def execute(self, statements: dict[str, list[str]]) -> None:
        """Append literal SQL that differs between the engines."""
        for word, engine in (("if sqlite:", "sqlite"), ("if not sqlite:", "postgresql")):
            if statements[engine]:
                self.per_engine = True
                self.source.append(f"    {word}")
                for statement in statements[engine]:
                    self.add(call("op.execute", sql(statement)), 8)

    def text(self) -> str:
        """Return the function's body."""
        head = ['    sqlite = op.get_context().dialect.name == "sqlite"'] if self.per_engine else []
        return "\n".join([*head, *self.source] or ["    pass"])


def wanted(package: str = ddl.PROGRAM[0]) -> Declared:
    """Return the schema the models of a package declare."""
    return Declared(
        {table.name: shape_of(table) for table in ddl.tables([package])},
        {engine: ddl.extras(engine, [package]) for engine in ddl.ENGINES},
    )


def difference(before: Declared, after: Declared, *, back: bool = False) -> Body:
    """Return what turns ``before`` into ``after``; going ``back``, lost required values become neutral ones.

    Raises Invalid for what a person has to write: another primary key, another kind of table.
    """
    body = Body()
    common = before.tables.keys() & after.tables.keys()
    changed = sorted(name for name in common if before.tables[name] != after.tables[name])
    added, removed = after.tables.keys() - common, before.tables.keys() - common
    steps = {name: _Change(before.tables[name], after.tables[name], back=back) for name in changed}
    rebuilt = {name for name, step in steps.items() if step.is_rebuilt}
    body.execute(_drops(before, after, views=bool(rebuilt)))
    for table, late in in_order(after.tables[name] for name in added):
        _create(body, table, late)
    for key_table, key in _late_keys(after.tables[name] for name in added):
        _late_key(body, key_table, key)
    for step in steps.values():
        step.write(body)
    _remove(body, [before.tables[name] for name in removed])
    body.execute(_creates(before, after, views=bool(rebuilt), rebuilt=rebuilt))
    return body


def in_order(found: Iterable[TableShape]) -> Iterator[tuple[TableShape, set[str]]]:
    """Yield tables after the tables they refer to, each with the keys that close a circle and must come later."""
    waiting = {table.name: table for table in sorted(found, key=lambda table: table.name)}
    while waiting:
        unmet = {name: table.targets & waiting.keys() for name, table in waiting.items()}
        name = min(waiting, key=lambda name: (len(unmet[name]), name))
        table = waiting.pop(name)
        late = {
            key.name
            for key in table.constraints.values()
            if key.kind == "ForeignKey" and flat_target(key) in unmet[name]
        }
        yield table, late


def _late_keys(found: Iterable[TableShape]) -> list[tuple[str, ConstraintShape]]:
    return [(table.name, table.constraints[name]) for table, late in in_order(found) for name in sorted(late)]


def _create(body: Body, table: TableShape, late: set[str]) -> None:
    columns = [column.source() for column in table.columns.values()]
    keys = [key.source(use_alter=key.name in late) for key in table.constraints.values()]
    body.add(call("op.create_table", quoted(table.name), *columns, *keys, **table.options))
    for index in table.indexes.values():
        body.add(_create_index(table.name, index))


def _create_index(table: str, index: IndexShape) -> Call:
    return call("op.create_index", quoted(index.name), quoted(table), listed(index.columns), **index.keywords())


def _late_key(body: Body, table: str, key: ConstraintShape) -> None:
    """Add a key that closes a circle of references; SQLite has it in its table."""
    body.per_engine = True
    body.source.append("    if not sqlite:")
    local, remote = key.arguments
    names = [quoted(name) for name in _remote_columns(remote)]
    target = quoted(flat_target(key))
    body.add(call("op.create_foreign_key", quoted(key.name), quoted(table), target, local, listed(names)), 8)


def _remote_columns(remote: Node) -> list[str]:
    assert isinstance(remote, Call)
    return [str(name).strip('"').rpartition(".")[2] for name in remote.arguments]


def _remove(body: Body, tables: list[TableShape]) -> None:
    for table, key in _late_keys(tables):
        body.per_engine = True
        body.source.append("    if not sqlite:")
        body.add(call("op.drop_constraint", quoted(key.name), quoted(table), type_='"foreignkey"'), 8)
    for shape, _ in reversed(list(in_order(tables))):
        body.warnings.append(f"drops the table {shape.name} with its rows")
        body.add(call("op.drop_table", quoted(shape.name)))


def _same(one: ddl.Extra | None, other: ddl.Extra) -> bool:
    return one is not None and one.create.split() == other.create.split()


def _drops(before: Declared, after: Declared, *, views: bool) -> dict[str, list[str]]:
    """Return the statements that drop what goes or changes; views also stand in the way of their tables' changes."""
    found = {}
    for engine in ddl.ENGINES:
        kept = {(extra.kind, extra.name): extra for extra in after.extras[engine]}
        gone = [
            extra
            for extra in ddl.in_order(before.extras[engine])
            if (views and extra.kind == "view") or not _same(kept.get((extra.kind, extra.name)), extra)
        ]
        found[engine] = [extra.drop(engine) for extra in reversed(gone)]
    return found


def _creates(before: Declared, after: Declared, *, views: bool, rebuilt: set[str]) -> dict[str, list[str]]:
    """Return the statements that make what is new or was dropped; SQLite loses triggers with a rebuilt table."""
    found: dict[str, list[str]] = {}
    for engine in ddl.ENGINES:
        old = {(extra.kind, extra.name): extra for extra in before.extras[engine]}
        lost = rebuilt if engine == "sqlite" else set()
        made = [
            extra
            for extra in after.extras[engine]
            if (views and extra.kind == "view")
            or not _same(old.get((extra.kind, extra.name)), extra)
            or (extra.kind in {"trigger", "index"} and extra.table in lost)
        ]
        found[engine] = [extra.create for extra in made]
        if any(extra.name == "search_index" for extra in made) and "search_documents" in before.tables:
            found[engine].append(ddl.REFILL_SEARCH)
    return found


@dataclass(slots=True)
class _Change:
    """The way of one table from its old shape to its new one."""

    old: TableShape
    new: TableShape
    back: bool

    def __post_init__(self) -> None:
        keys = [
            [key for key in table.constraints.values() if key.kind == "PrimaryKey"] for table in (self.old, self.new)
        ]
        if keys[0] != keys[1] or self.old.options != self.new.options:
            raise Invalid.at(
                self.old.name, "by_hand", "changes its primary key: write the revision by hand (db revision --empty)"
            )

    @property
    def is_rebuilt(self) -> bool:
        """Whether SQLite must copy the table; a plain new column can be added to it as it is."""
        required = any(not column.nullable for column in self.added)
        return required or bool(self.gone or self.altered) or self.old.constraints != self.new.constraints

    @property
    def added(self) -> list[ColumnShape]:
        """The new columns."""
        return [column for name, column in self.new.columns.items() if name not in self.old.columns]

    @property
    def gone(self) -> list[str]:
        """The dropped columns."""
        return [name for name in self.old.columns if name not in self.new.columns]

    @property
    def altered(self) -> list[ColumnShape]:
        """The columns with another type or another need for a value, as they become."""
        both = [name for name in self.new.columns if name in self.old.columns]
        return [self.new.columns[name] for name in both if self.new.columns[name] != self.old.columns[name]]

    def write(self, body: Body) -> None:
        """Append the statements."""
        table = quoted(self.old.name)
        for name, index in self.old.indexes.items():
            if self.new.indexes.get(name) != index:
                body.add(call("op.drop_index", quoted(name), table_name=table))
        for column in self.added:
            body.add(call("op.add_column", table, column.source(nullable=True)))
            if not column.nullable:
                self._fill(body, column)
        if self.is_rebuilt:
            self._batch(body)
        for name, index in self.new.indexes.items():
            if self.old.indexes.get(name) != index:
                body.add(_create_index(self.old.name, index))

    def _fill(self, body: Body, column: ColumnShape) -> None:
        where = f"{self.old.name}.{column.name}"
        value = column.fill or (_NEUTRAL.get(column.type) if self.back else None)
        if value is None:
            body.warnings.append(f"{where} needs a value in existing rows: say which, where the revision raises")
            message = quoted(f"{where} needs a value in existing rows: replace this line by an UPDATE")
            body.add(f"raise NotImplementedError({message})")
            return
        body.add(call("op.execute", sql(ddl.fill(self.old.name, column.name, value))))

    def _batch(self, body: Body) -> None:
        """Append the changes that SQLite can make only to a copy, for which Alembic is given the whole table."""
        kept = {name: index for name, index in self.old.indexes.items() if self.new.indexes.get(name) == index}
        added = {column.name: replace(column, nullable=True) for column in self.added}
        shape = TableShape(self.old.name, self.old.columns | added, self.old.constraints, kept, self.old.options)
        body.add(_table(shape))
        body.source.append(f"    with op.batch_alter_table({quoted(self.old.name)}, copy_from=table) as batch:")
        for is_sqlite_only, node in self._batched(body):
            if is_sqlite_only:
                body.per_engine = True
                body.source.append("        if sqlite:")
            body.add(node, 12 if is_sqlite_only else 8)

    def _batched(self, body: Body) -> Iterator[tuple[bool, Node]]:
        for name, key in self.old.constraints.items():
            if self.new.constraints.get(name) != key:
                yield key.sqlite_only, call("batch.drop_constraint", quoted(name), type_=quoted(_KINDS[key.kind]))
        for column in self.gone:
            body.warnings.append(f"drops {self.old.name}.{column}: if it was renamed, write alter_column instead")
            yield False, call("batch.drop_column", quoted(column))
        for shape in self.altered:
            yield False, self._alter(body, shape)
        for shape in self.added:
            if not shape.nullable:
                yield False, call("batch.alter_column", quoted(shape.name), existing_type=shape.type, nullable="False")
        for name, key in self.new.constraints.items():
            if self.old.constraints.get(name) != key:
                yield key.sqlite_only, _add_constraint(key)

    def _alter(self, body: Body, shape: ColumnShape) -> Call:
        old = self.old.columns[shape.name]
        keywords: dict[str, Node] = {"existing_type": old.type}
        if shape.type != old.type:
            body.warnings.append(
                f"converts {self.old.name}.{shape.name} from {old.type} to {shape.type}: check its rows"
            )
            keywords |= {"type_": shape.type, "postgresql_using": quoted(f"{shape.name}::{shape.native}")}
        if shape.nullable != old.nullable:
            keywords["nullable"] = str(shape.nullable)
        if shape.more != old.more:
            raise Invalid.at(
                f"{self.old.name}.{shape.name}", "by_hand", "changes its default: write the revision by hand"
            )
        return call("batch.alter_column", quoted(shape.name), **keywords)


def _table(table: TableShape) -> Call:
    columns = [column.source() for column in table.columns.values()]
    keys = [key.source() for key in table.constraints.values()]
    indexes = [
        call("sa.Index", quoted(index.name), *index.columns, **index.keywords()) for index in table.indexes.values()
    ]
    return call("table = sa.Table", quoted(table.name), "sa.MetaData()", *columns, *keys, *indexes, **table.options)


def _add_constraint(key: ConstraintShape) -> Call:
    name = quoted(key.name)
    if key.kind == "Check":
        return call("batch.create_check_constraint", name, *key.arguments)
    if key.kind == "Unique":
        return call("batch.create_unique_constraint", name, listed(key.arguments))
    local, remote = key.arguments
    columns = listed(quoted(column) for column in _remote_columns(remote))
    return call("batch.create_foreign_key", name, quoted(flat_target(key)), local, columns)
