"""What became of commands that were executed together, as their callers are told: rows of figures for who sent
thousands, the events themselves for who sent one.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from accounts.domain.errors import Code
from accounts.domain.events import CommandRefused, OrderPlaced, OrderReplaced
from accounts.kernels.answers import DONE, NO_FIGURE, OUTCOME, SAID_ELSEWHERE
from accounts.kernels.answers import Outcomes as OutcomeRows
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Booked, BriefResult
from eventstore.kernels.message_pack import VALUE_LIMIT
from eventstore.writer.outcomes import DurableCommits, Outcomes
from eventstore.writer.request import Outcome

CODE_NUMBERS: Final = {code.value: number for number, code in enumerate(Code, 1)}
"""The number of each code in a row of OUTCOME."""

CODE_NAMES: Final = ("", *CODE_NUMBERS)
"""The code with each number; that of DONE is none."""

_REFUSED: Final = str(CommandRefused.__struct_config__.tag)
_PLACED: Final = str(OrderPlaced.__struct_config__.tag)
_REPLACED: Final = str(OrderReplaced.__struct_config__.tag)
_CODE, _LIMIT, _ACTUAL = map(CommandRefused.__struct_fields__.index, ("code", "limit", "actual"))
_decode: Final = msgspec.msgpack.Decoder(str).decode


class BatchResults(NamedTuple):
    """What became of each command of a batch: `rows` of OUTCOME, and by place what a row cannot say. A row that says
    of a new order that it is done means the order id that its command has.
    """

    rows: OutcomeRows
    others: dict[int, BriefResult]


def said_elsewhere(told: Sequence[BriefResult]) -> BatchResults:
    """Return results of which no row tells anything."""
    rows = np.zeros(len(told), OUTCOME)
    rows["code"] = SAID_ELSEWHERE
    return BatchResults(rows, dict(enumerate(told)))


def batch_results(
    commands: AccountCommands, outcomes: Outcomes, brief: Callable[[int, Outcome], BriefResult]
) -> BatchResults:
    """Return what became of each command; `brief` makes what is told of one that a row cannot tell of."""
    results = BatchResults(np.zeros(len(commands), OUTCOME), {})
    for commits in outcomes.durable:
        _fill(results, commits, commands, brief)
    for place, outcome in outcomes.single.items():
        tell(results, place, brief(place, outcome))
    return results


def _fill(
    results: BatchResults,
    commits: DurableCommits[Any],
    commands: AccountCommands,
    brief: Callable[[int, Outcome], BriefResult],
) -> None:
    rows, events = np.zeros(len(commits.places), OUTCOME), commits.events
    rows["version"] = commits.first_versions + commits.event_counts - 1
    rows["limit"] = rows["actual"] = NO_FIGURE
    types = events.types[commits.first_events]
    for number, tag in enumerate(events.tags):
        if tag == _PLACED:
            rows["code"][(types == number) & (commands.bodies["order"][commits.places] < 0)] = SAID_ELSEWHERE
        elif tag == _REPLACED:
            rows["code"][types == number] = SAID_ELSEWHERE
        elif tag == _REFUSED:
            _fill_refusals(rows, np.flatnonzero(types == number), commits)
    results.rows[commits.places] = rows
    for row in np.flatnonzero(rows["code"] == SAID_ELSEWHERE).tolist():
        place = int(commits.places[row])
        results.others[place] = brief(place, commits.committed(row))
    for place, row in commits.repeated.items():
        tell(results, place, brief(place, commits.committed(row, is_duplicate=True)))


def _fill_refusals(rows: OutcomeRows, refused: NDArray[np.int64], commits: DurableCommits[Any]) -> None:
    events = commits.events
    starts = events.starts[commits.first_events[refused]]
    codes, places = np.unique(events.cells[starts + _CODE], return_inverse=True)
    numbers = np.array([CODE_NUMBERS[_decode(events.values.encoded(cell))] for cell in codes.tolist()], np.int16)
    rows["code"][refused] = numbers[places]
    nil = events.values.cell(None)
    for name, field in (("limit", _LIMIT), ("actual", _ACTUAL)):
        cells = events.cells[starts + field]
        rows[name][refused] = np.where(cells == nil, NO_FIGURE, cells)
        rows["code"][refused[(cells < VALUE_LIMIT) & (cells != nil)]] = SAID_ELSEWHERE


def tell(results: BatchResults, place: int, told: BriefResult) -> None:
    """Say of one command what is told of it, in a row if it can."""
    row = results.rows[place]
    if type(told) is Booked and told.order_id is None and _is_row(told):
        row["version"], row["is_duplicate"] = told.version, told.is_duplicate
        row["code"] = DONE if told.code is None else CODE_NUMBERS[told.code]
        row["limit"] = NO_FIGURE if told.limit is None else told.limit
        row["actual"] = NO_FIGURE if told.actual is None else told.actual
        results.others.pop(place, None)
    else:
        row["code"] = SAID_ELSEWHERE
        results.others[place] = told


def _is_row(told: Booked) -> bool:
    """Tell whether figures are integers or none."""
    return not isinstance(told.limit, str) and not isinstance(told.actual, str)
