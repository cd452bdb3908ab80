"""The steps of a move, each of which can be done again after an interruption."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

from growbase.core.clock import new_id, now
from growbase.core.config import Settings
from growbase.core.crash import crash_point
from growbase.core.crypto import Keyring, open_sealed, seal
from growbase.core.errors import Conflict, GrowbaseError
from growbase.core.gate import FACT, LOG_BASE, Gate, Mode, parse
from growbase.core.place import Place, write_place
from growbase.core.types import moment_text
from growbase.ops.history import CORE
from growbase.ops.migrate import current
from growbase.ops.move_ends import Dirty, End
from growbase.ops.move_postgres import PostgresEnd
from growbase.ops.move_rows import FACTS, Key, Row, Table, batches, tables
from growbase.ops.move_sqlite import SqliteEnd

CHUNK = 5_000
"""Rows in one transaction on the target."""
NEARLY_NOTHING = 200
"""Rows that may be left when the writes are paused."""
HELD_SECONDS = 1.5
"""How long the pause waits for units at work before it lets the others through and is tried again."""
ROUNDS = 1_000
CHECKS = 20
"""How often a row that is written again and again is compared before the pause has to do it."""
STATE = "move"
ORIGIN = "moved_from"

Progress = Callable[[str, int, int], None]
"""Told the step, how much of it is done, of how much."""


class MoveRefused(Conflict):
    """The data can't be moved: {reason}.

    Nothing was changed. Correct it and repeat the command.
    """

    code = "move_refused"


class RowsDiffer(GrowbaseError):
    """The row {key} of {table} is not the same in both databases.

    Somebody else has written to the target. The source is unchanged and in use: growbase move --cancel empties the
    target, then begin again.
    """

    code = "rows_differ"


class TooManyWrites(GrowbaseError):
    """The data are written faster than they can be moved.

    Everything done so far is kept: run growbase move again at a quieter time.
    """

    code = "too_many_writes"


def end_of(settings: Settings) -> End:
    """Return the database of the settings as one end of a move."""
    return PostgresEnd(settings) if settings.is_postgresql else SqliteEnd(settings)


def occupied(settings: Settings, target: End) -> list[str]:
    """Return what is in the way at the target."""
    if target.settings.location == settings.location:
        return ["that is the database the data are in"]
    names = {FACTS, *(table.name for table in tables(target.packages))}
    found = [name for name in target.tables() if name in names or name.startswith("alembic_version")]
    if not found or _is_left_behind(settings, target):
        return []
    what = f"it has {found[0]}"
    if there := target.versions().get(CORE.version_table):
        what = f"it has an installation of Growbase at revision {there}, this one is at {current(settings)}"
    return [f"it is not empty ({what}): give an empty database, into which tables and revision are copied"]


def _is_left_behind(settings: Settings, target: End) -> bool:
    """Return whether the target is what an earlier move has left, whose data are here now."""
    gate = target.gate_text()
    left = gate is not None and parse(gate).mode is Mode.MOVED
    return left and target.settings.location in settings.past_locations


def sealed(keyring: Keyring, text: str) -> str:
    """Seal an address, which may hold a password."""
    return seal(keyring, text.encode(), context=FACT).hex()


def unsealed(keyring: Keyring, text: str) -> str:
    """Open what ``sealed`` gave."""
    return open_sealed(keyring, bytes.fromhex(text), context=FACT).decode()


def complete(target: End, settings: Settings, keyring: Keyring, progress: Progress) -> None:
    """Retire the database that was left and end what the new one does beside its users."""
    left = target.fact(ORIGIN)
    if left is not None:
        with closing(end_of(settings.at(unsealed(keyring, left)))) as source:
            source.retire()
    target.complete(lambda done, total: progress("complete", done, total))
    crash_point("move.completed")
    with target.writing():
        target.unmark()


@dataclass
class Move:
    """One move at work, its two ends open."""

    settings: Settings
    keyring: Keyring
    source: End
    target: End
    progress: Progress
    identity: str = ""
    phase: str = "begun"
    tables: list[Table] = field(init=False)
    counts: dict[str, int] = field(default_factory=dict)
    suspects: dict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.tables = tables(self.source.packages)

    # -- the steps ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Refuse what can't work, then note the move on the source."""
        problems = self.target.problems(self.source.size()) or occupied(self.settings, self.target)
        if problems:
            raise MoveRefused(reason="; ".join(problems))
        if self.target.tables() and _is_left_behind(self.settings, self.target):
            self.target.set_aside()
        self.identity = str(new_id())
        self._reach("begun")

    def run(self) -> float:
        """Do every step that is not done, and return how long the writes were paused."""
        mark = self.target.marked()
        if mark is None:
            self._prepare()
        elif mark[0] != self.identity:
            raise MoveRefused(reason="the target belongs to another unfinished move: give an empty database")
        elif mark[1] == "bound":
            # Stopped in the pause, after what binds rows was made: it would be in the way of following.
            with self.target.writing():
                self.target.unbind()
                self.target.set_mark(self.identity, "open")
        self.source.record(self.tables)
        crash_point("move.recording")
        if self.phase == "begun":
            self._copy()
            self._drain()
            self._reach("copied")
            crash_point("move.copied")
        if self.phase == "copied":
            self.target.create_indexes(lambda done, total: self.progress("index", done, total))
            self._reach("indexed")
        self._follow()
        crash_point("move.followed")
        if self.phase == "indexed":
            self._verify()
            self._reach("verified")
            crash_point("move.verified")
        place, pause = self._switch()
        crash_point("move.switched")
        write_place(self.settings.data_dir, place)
        complete(self.target, self.settings, self.keyring, self.progress)
        return pause

    def _reach(self, phase: str) -> None:
        """Note on the source how far the move is."""
        self.phase = phase
        state = {"id": self.identity, "phase": phase, "to": sealed(self.keyring, self.target.settings.place_url)}
        with self.source.writing():
            self.source.set_fact(STATE, json.dumps(state))

    def _prepare(self) -> None:
        if self.target.tables() and occupied(self.settings, self.target):
            raise MoveRefused(reason="; ".join(occupied(self.settings, self.target)))
        with self.target.writing():
            self.target.create_tables()
            self.target.copy_versions(self.source.versions())
            self.target.set_mark(self.identity, "open")
        crash_point("move.prepared")

    def _copy(self) -> None:
        """Copy every table in key order; the target's last key says where to go on."""
        total = sum(self.source.count(table) for table in self.tables)
        done = 0
        for table in self.tables:
            after = self.target.last_key(table)
            done += self.target.count(table) if after else 0
            for rows in self._chunks(table, after):
                with self.target.writing():
                    self.target.insert(table, rows)
                done += len(rows)
                self.progress("copy", done, max(total, done))
                crash_point("move.copying")

    def _chunks(self, table: Table, after: Key | None) -> Iterator[list[Row]]:
        """Yield the source's rows from behind a key on, the next ones being read while the last are at work.

        The source must not be used otherwise meanwhile.
        """
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self.source.rows, table, after, CHUNK)
            while rows := coming.result():
                is_last = len(rows) < CHUNK
                if not is_last:
                    coming = ahead.submit(self.source.rows, table, table.key_of(rows[-1]), CHUNK)
                yield rows
                if is_last:
                    return

    def _drain(self) -> int:
        """Bring what was written since to the target, and return how many rows that were.

        All of it in one transaction, deletions first: so no unique key is in the way of another row's.
        """
        with self.source.snapshot():
            entries = self.source.dirty()
            keys = _keys_by_table(entries)
            current = {table: self.source.by_key(table, list(keys[table.name])) for table in self._touched(keys)}
        if not entries:
            return 0
        with self.target.writing():
            for table in current:
                self.target.delete(table, list(keys[table.name]))
            for table, rows in current.items():
                self.target.insert(table, rows)
            self.target.index_written()
        for table, rows in current.items():
            found = self.target.by_key(table, list(keys[table.name]))
            if differing := table.differing(rows, found):
                raise RowsDiffer(table=table.name, key=_shown(differing[0]))
        crash_point("move.draining")
        with self.source.writing():
            self.source.clean(entries)
        return sum(map(len, keys.values()))

    def _touched(self, keys: dict[str, set[Key]]) -> list[Table]:
        return [table for table in self.tables if table.name in keys]

    def _follow(self) -> None:
        """Drain until nearly nothing is left."""
        before = None
        for _ in range(ROUNDS):
            left = self._drain()
            self.progress("follow", left, max(before or left, left))
            if left <= NEARLY_NOTHING:
                return
            before = left
        raise TooManyWrites

    # -- verification ---------------------------------------------------------------------------------------------

    def _verify(self) -> None:
        """Compare all rows while they are used; what differs is compared again, row by row.

        Both ends give values in one form, so equal rows have equal checksums; only others are encoded.
        """
        total, done = sum(self.target.count(table) for table in self.tables), 0
        for table in self.tables:
            after: Key | None = None
            differing: list[Key] = []
            for rows in self._chunks(table, None):
                upto = table.key_of(rows[-1])
                others = self.target.rows(table, after, None, upto)
                if rows != others:
                    differing += table.differing(rows, others)
                after = upto
                done += len(rows)
                self.counts[table.name] = self.counts.get(table.name, 0) + len(rows)
                self.progress("verify", done, max(total, done))
                crash_point("move.verifying")
            differing += table.differing((), self.target.rows(table, after, None))
            for keys in batches(differing, CHUNK):
                self._recheck(table, keys)

    def _recheck(self, table: Table, keys: Sequence[Key]) -> None:
        """Compare rows again after following; raise RowsDiffer for one that nobody has written meanwhile."""
        for _ in range(CHECKS):
            self._drain()
            rows = self.source.by_key(table, keys)
            differing = table.differing(rows, self.target.by_key(table, keys))
            # Read last: what was written after its row was read is recorded by now.
            recorded = _keys_by_table(self.source.dirty()).get(table.name, set())
            for key in differing:
                if key not in recorded:
                    raise RowsDiffer(table=table.name, key=_shown(key))
            keys = differing
            if not keys:
                return
        self.suspects[table.name] |= set(keys)

    # -- the switch -----------------------------------------------------------------------------------------------

    def _switch(self) -> tuple[Place, float]:
        """Pause the writes, bring over the rest, and send everybody to the target by one commit on the source."""
        for _ in range(ROUNDS):
            self._follow()
            self.progress("switch", 0, 1)
            try:
                with self.source.held(HELD_SECONDS):
                    started = time.monotonic()
                    place = self._hand_over()
                    crash_point("move.switching")
            except TimeoutError:
                continue
            pause = time.monotonic() - started
            self.progress("switch", 1, 1)
            return place, pause
        raise TooManyWrites

    def _hand_over(self) -> Place:
        self._drain()
        for table in self.tables:
            keys = list(self.suspects.get(table.name, ()))
            differing = table.differing(self.source.by_key(table, keys), self.target.by_key(table, keys))
            if differing:
                raise RowsDiffer(table=table.name, key=_shown(differing[0]))
        facts = self.source.shared_facts()
        facts[LOG_BASE] = str(self.source.log_end())
        facts[ORIGIN] = sealed(self.keyring, self.settings.place_url)
        with self.target.writing():
            self.target.query(f"DELETE FROM {FACTS}")
            for name, value in facts.items():
                self.target.set_fact(name, value)
            self.target.bind(self.tables)
            self.target.set_mark(self.identity, "bound")
        self.target.flush()
        crash_point("move.bound")
        target = self.target.settings
        origins = {*self.settings.past_locations, self.settings.location} - {target.location}
        place = Place(target.place_url, tuple(sorted(origins)), moment_text(now()))
        gate = Gate(Mode.MOVED, place.since, "", sealed(self.keyring, place.text()))
        self.source.set_fact(FACT, gate.text())
        self.source.set_fact(STATE, None)
        self.source.refuse()
        return place


def _keys_by_table(entries: Sequence[Dirty]) -> dict[str, set[Key]]:
    found: dict[str, set[Key]] = defaultdict(set)
    for _, name, key in entries:
        found[name].add(tuple(json.loads(key)))
    return dict(found)


def _shown(key: Key) -> str:
    return " / ".join(map(str, key))
