"""What the API, Studio and the command line need to know of a model beyond its columns, declared once beside it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel

from growbase.core.actor import Role
from growbase.core.errors import ConfigError
from growbase.core.folding import search_words
from growbase.core.model import Root, is_trashable, rule_of, table_of

Action = Callable[..., Any]
"""A plain function: the transaction first, the rest by keyword."""
Transitions = Mapping[StrEnum, frozenset[StrEnum] | set[StrEnum]]


@dataclass(frozen=True, slots=True)
class Verb:
    """An action with its own route: ``POST /api/<resource>/<id>/<verb>``, or without the id on the collection.

    ``run(tx, id=..., **body)`` returns the id of the row to answer (``answers="row"``) or a JSON-ready mapping.
    Its docstring is the route's description. An answer that holds a ``secret`` is stored nowhere.
    """

    run: Action
    body: type[BaseModel] | None = None
    role: Role = Role.MEMBER
    on: Literal["row", "collection"] = "row"
    answers: Literal["row", "result"] = "row"
    status: Literal[200, 201, 202] = 200
    secret: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One noun of the API.

    ``children`` are the tables whose rows are trashed and restored with a row of this one, ``counts`` the tables that
    ``?counts=`` may count. ``search`` columns feed ``?q=``. Every ``sortable`` and ``filterable`` column has an index.
    ``create`` replaces the plain insert: ``create(tx, **values)`` returns the new id. ``extra`` are fields its request
    accepts beside the model's. ``owner`` names the column whose user may do what otherwise needs ``delete``.
    ``guard(tx, row, to)`` is asked before a transition: it refuses by raising, or returns what changes along with it.
    ``meter(tx, by)`` is told by how many the live rows grow or shrink; it refuses growth by raising.
    ``gauges`` are columns that hold running totals, whose sum over rows means nothing, so that aggregates refuse it.
    ``reviewed`` says that members may be asked to review its rows; the domain settles the reviews when it approves.
    ``purged(tx, row)`` is told of a row that is about to go for good, or to become a tombstone; ``erased(tx, row)`` of
    one whose person is about to be erased, its personal columns still there.
    """

    model: type[Root]
    children: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    sortable: tuple[str, ...] = ("created_at", "updated_at")
    sort: str = "-created_at"
    transitions: Transitions = field(default_factory=dict)
    guard: Action | None = None
    meter: Action | None = None
    purged: Action | None = None
    erased: Action | None = None
    reviewed: bool = False
    state: str = "status"
    read: Role = Role.VIEWER
    write: Role = Role.MEMBER
    delete: Role = Role.MEMBER
    owner: str | None = None
    create: Action | None = None
    update: Action | None = None
    remove: Action | None = None
    extra: type[BaseModel] | None = None
    verbs: Mapping[str, Verb] = field(default_factory=dict)
    creatable: bool = True
    editable: bool = True
    deletable: bool = True
    retention: timedelta | None = timedelta(days=30)
    gauges: tuple[str, ...] = ()
    tombstone: tuple[str, ...] = ()
    name: str = field(init=False)
    """The plural kebab-case name in URLs."""
    key: str = field(init=False)
    """The column that tells rows of one organization apart."""

    def __post_init__(self) -> None:
        # Asked for at every request, so made once.
        object.__setattr__(self, "name", self.table.name.replace("_", "-"))
        # A view has no key but its id; without it a page would end among rows of one moment and lose the others.
        key = "id" if "id" in self.table.columns else list(self.table.primary_key.columns)[-1].name
        object.__setattr__(self, "key", key)

    @property
    def table(self) -> sa.Table:
        """The table."""
        return table_of(self.model)

    @property
    def noun(self) -> str:
        """The singular name in messages."""
        return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in self.model.__name__).strip()

    @property
    def trashable(self) -> bool:
        """Whether deleting moves a row to the trash."""
        return is_trashable(self.model)

    @property
    def public(self) -> list[sa.Column[Any]]:
        """The columns the API shows."""
        return [column for column in self.table.columns if not rule_of(column).hidden]

    def words(self, row: Mapping[str, Any]) -> str:
        """Return the folded words by which a row is found."""
        return search_words(*(str(row[name]) for name in self.search if row.get(name)))

    def expand_column(self, name: str) -> sa.Column[Any]:
        """Return the reference behind an expandable name: ``brand`` is ``brand_id``, ``owner`` is ``owner_user_id``."""
        columns = self.table.columns
        return columns[f"{name}_id"] if f"{name}_id" in columns else columns[f"{name}_user_id"]


def reference_to(model: type[Root], target: str) -> sa.Column[Any]:
    """Return the column of ``model`` that refers to the table ``target``."""
    for column in table_of(model).columns:
        rule = rule_of(column)
        if rule.target == target and not rule.member and column.name != "organization_id":
            return column
    message = f"{model.__name__} does not refer to {target}"
    raise LookupError(message)


def _package(model: type[Root]) -> str:
    return model.__module__.rpartition(".")[0] or model.__module__


def _add(models: dict[str, type[Root]], model: type[Root]) -> None:
    name = model.__tablename__
    if name in models:
        paths = sorted(f"{one.__module__}.{one.__name__}" for one in (model, models[name]))
        message = "The table {table} is declared by {paths}: give one of them another name."
        raise ConfigError(message, table=name, paths=" and ".join(paths))
    models[name] = model


class Catalog:
    """The resources and models of this program, found by name, table or model; built once by ``wiring``.

    ``founders`` are run inside every new organization by the unit that makes it: what each one starts with.
    ``packages`` are those of own domains, whose models without resource count too. Raises ConfigError for a table that
    is declared twice.
    """

    def __init__(
        self, resources: Iterable[Resource], founders: Iterable[Action] = (), packages: Iterable[str] = ()
    ) -> None:
        self.founders = tuple(founders)
        self.resources = tuple(resources)
        self.by_name = {resource.name: resource for resource in self.resources}
        self.by_table = {resource.table.name: resource for resource in self.resources}
        # Other packages may have declared models that are no tables of this program, as tests do.
        known = {__name__.partition(".")[0], *packages, *(_package(resource.model) for resource in self.resources)}
        prefixes = tuple(f"{package}." for package in known)
        self.models: dict[str, type[Root]] = {}
        for model in Root.models:
            if f"{model.__module__}.".startswith(prefixes):
                _add(self.models, model)
        self.attached = tuple(model for model in self.models.values() if model.__attached__ is not None)
        """The tables whose rows belong to any row there is, such as comments."""
        self.parents: dict[str, list[Resource]] = {}
        for resource in self.resources:
            for child in resource.children:
                self.parents.setdefault(child, []).append(resource)

    def of(self, model: type[Root]) -> Resource | None:
        """Return the resource of a model, None if it has none."""
        return self.by_table.get(str(model.__tablename__))
