"""Making the read models again from the first event, beside the live ones, which are read and written on meanwhile.

The events are folded into a fresh set of tables until it has almost caught up. Twice, for a moment each, nobody may
project: to compare both sets at the same checkpoints (the comparison itself reads a snapshot, and holds up nobody), and
to put the new one in the place of the old. Until then nothing live has changed, however it ends.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from psycopg import sql

from eventstore.store import get_store
from readmodels.models import (
    AccountEvent,
    AccountSummary,
    DeadLetter,
    FirmTotals,
    FlowMinute,
    Order,
    ProjectionCheckpoint,
    StoredDay,
    StoredPosition,
    SymbolDay,
    SymbolTotals,
    Trade,
)
from readmodels.projector import stored_rows
from readmodels.projector.locks import paused_projections, rebuilding_alone
from readmodels.projector.projector import project_partition
from readmodels.rebuild import fresh_tables
from readmodels.rebuild.fresh_tables import Model, TablesInUse, fresh_name, live_name

PROJECTIONS: Final[tuple[Model, ...]] = (
    AccountSummary,
    StoredPosition,
    Order,
    StoredDay,
    Trade,
    AccountEvent,
    FirmTotals,
    SymbolTotals,
    SymbolDay,
    FlowMinute,
    DeadLetter,
)
"""In the order in which queries read them, which is the order in which a swap asks for them."""
EVERYTHING: Final[tuple[Model, ...]] = (*PROJECTIONS, ProjectionCheckpoint)
BATCHES_BEHIND_MAX: Final = 32
"""How many batches may be left for the moment in which nobody else may project."""
ROUNDS_MAX: Final = 100
"""How often the fold runs after the events that came meanwhile. It goes on where commands come faster, in a pause."""
SWAPS_MAX: Final = 60


class RebuildFailed(Exception):
    """The events cannot be projected, or one table alone cannot be replaced; nothing was changed."""


class Progress(NamedTuple):
    """How far the fold is: batches of all that there were when it was asked, and the events in them."""

    batches: int
    batches_total: int
    events: int


class TableComparison(NamedTuple):
    """What was found in one table: rows of both sets, those that the other set does not have, the first difference."""

    table: str
    live_rows: int
    fresh_rows: int
    only_live: int
    only_fresh: int
    first_difference: str

    @property
    def is_equal(self) -> bool:
        """Tell whether both sets have the same rows."""
        return self.only_live == self.only_fresh == 0


class Comparison(NamedTuple):
    """Both sets side by side; `elsewhere` names the partitions that could not be compared at the same batch."""

    tables: list[TableComparison]
    elsewhere: list[str]
    dead_letters: int


def rebuild(
    *,
    only: Sequence[Model] = (),
    on_progress: Callable[[Progress], None],
    may_swap: Callable[[Comparison], bool],
) -> bool:
    """Rebuild every table, or put only some of the rebuilt ones in place; tell whether `may_swap` allowed it.

    Raises RebuildFailed, RebuildRunning, PauseNotReached, TablesInUse or TablesDependedOn; nothing is changed then.
    """
    with rebuilding_alone():
        try:
            fresh_tables.make(EVERYTHING)
            _fold(on_progress)
            fresh_tables.analyze(EVERYTHING)
            compared = _compare(only or PROJECTIONS)
            if only:
                _check_alone(compared)
            if not may_swap(compared):
                return False
            _swap(only)
            return True
        finally:
            if connection.is_usable():
                fresh_tables.discard()


def _fold(on_progress: Callable[[Progress], None]) -> None:
    """Project until only a few batches are left, and commands come in meanwhile."""
    events = 0
    for _round in range(ROUNDS_MAX):
        seqs, targets = _fresh_seqs(), _targets()
        if sum(targets.values()) - sum(seqs.values()) <= BATCHES_BEHIND_MAX:
            return
        for partition in targets:
            while seqs.get(partition, 0) < targets[partition]:
                seqs[partition], count = _project(partition, targets[partition])
                events += count
                on_progress(Progress(sum(seqs.values()), sum(targets.values()), events))


def _catch_up() -> None:
    """Project what is left, and let the stored rows of both sets follow; nobody else projects meanwhile."""
    for partition, target in _targets().items():
        seq = _fresh_seqs().get(partition, 0)
        while seq < target:
            seq, _ = _project(partition, target)
    with fresh_tables.chosen():
        stored_rows.follow_all()
    with transaction.atomic():
        stored_rows.follow_all()


def _project(partition: int, to_seq: int) -> tuple[int, int]:
    """Project some batches into the fresh tables; return the batch that they stand on now, and the events."""
    with fresh_tables.chosen():
        count = project_partition(partition, to_seq=to_seq).event_count
        checkpoint = ProjectionCheckpoint.objects.get(partition=partition)
    if checkpoint.stopped_because:
        raise RebuildFailed(
            f"partition {partition} cannot be projected past batch {checkpoint.seq}: {checkpoint.stopped_because}"
        )
    return checkpoint.seq, count


def _targets() -> dict[int, int]:
    """Return up to which batch each partition has to be folded: where the live tables stand.

    Where they never began, or stand on batches that this event store does not have, it is the end of the store.
    """
    live, fresh = _live_seqs(), _fresh_seqs()
    return {
        partition: max(fresh.get(partition, 0), min(live.get(partition, 0) or head, head))
        for partition, head in get_store().heads().items()
    }


def _live_seqs() -> dict[int, int]:
    return dict(ProjectionCheckpoint.objects.values_list("partition", "seq"))


def _fresh_seqs() -> dict[int, int]:
    with fresh_tables.chosen():
        return _live_seqs()


def _compare(tables: Sequence[Model]) -> Comparison:
    """Compare both sets as of one moment, at which they stood on the same batches."""
    with paused_projections() as pause:
        _catch_up()
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SELECT 1")  # The snapshot is taken by the first query, and the pause ends with it.
            pause.close()
            live, fresh = _live_seqs(), {}
            with fresh_tables.chosen():
                fresh = _live_seqs()
                dead_letters = DeadLetter.objects.count()
            elsewhere = [
                f"partition {partition}: the live tables stand on batch {live.get(partition, 0)}, "
                f"the new ones on {fresh.get(partition, 0)}"
                for partition in sorted({**live, **fresh})
                if live.get(partition, 0) != fresh.get(partition, 0)
            ]
            return Comparison([compare(model) for model in tables], elsewhere, dead_letters)


def _check_alone(compared: Comparison) -> None:
    """See that some tables of the new set fit to the other live ones."""
    if compared.elsewhere:
        raise RebuildFailed(f"a table alone cannot be replaced, rebuild all of them: {compared.elsewhere[0]}")
    if compared.dead_letters or DeadLetter.objects.exists():
        raise RebuildFailed("a table alone cannot be replaced while there are dead letters: rebuild all of them")


def _swap(only: Sequence[Model]) -> None:
    """Bring the new set to where the live one is, and put it in its place; gives way to queries that take long."""
    for attempt in range(1, SWAPS_MAX + 1):
        try:
            with paused_projections():
                _catch_up()
                fresh_tables.swap(only or EVERYTHING)
                return
        except TablesInUse:
            if attempt == SWAPS_MAX:
                raise


_QUERY: Final = """
WITH lost AS MATERIALIZED (SELECT * FROM {live} EXCEPT ALL SELECT * FROM {fresh}),
made AS MATERIALIZED (SELECT * FROM {fresh} EXCEPT ALL SELECT * FROM {live})
SELECT (SELECT count(*) FROM {live}), (SELECT count(*) FROM {fresh}),
    (SELECT count(*) FROM lost), (SELECT count(*) FROM made), to_jsonb(lost), to_jsonb(made)
FROM (VALUES (1)) AS always
LEFT JOIN (SELECT {key} FROM lost UNION SELECT {key} FROM made ORDER BY {key} LIMIT 1) AS first ON true
LEFT JOIN lost USING ({key}) LEFT JOIN made USING ({key})
"""


def compare(model: Model) -> TableComparison:
    """Compare one table with its fresh one; the caller's transaction decides as of when."""
    key = [str(field.column) for field in model._meta.pk_fields]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(_QUERY).format(
                live=live_name(model),
                fresh=fresh_name(model),
                key=sql.SQL(", ").join([sql.Identifier(name) for name in key]),
            )
        )
        live_rows, fresh_rows, only_live, only_fresh, lost, made = cursor.fetchone()
    first = "" if only_live == only_fresh == 0 else _difference(key, _row(lost), _row(made))
    return TableComparison(model._meta.db_table, live_rows, fresh_rows, only_live, only_fresh, first)


def _difference(key: list[str], live: dict[str, Any] | None, fresh: dict[str, Any] | None) -> str:
    place = ", ".join(f"{name} {(live or fresh or {})[name]}" for name in key)
    if live is None:
        return f"{place}: the row was missing"
    if fresh is None:
        return f"{place}: the row should not have been there"
    columns = [name for name in live if live[name] != fresh[name]]
    return f"{place}: " + ", ".join(f"{name} was {live[name]!r}, is {fresh[name]!r}" for name in columns)


def _row(found: Any) -> dict[str, Any] | None:
    return json.loads(found) if isinstance(found, str) else found
