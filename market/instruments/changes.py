"""The one way to add and change instruments: what is asked for is checked, written, and recorded with who and why.

Admin, GraphQL, files and the demo all call `save_instruments`. A change names fields: those that it does not name stay
what they are. The row and its entry in the log are written by one statement (a trigger, models.py), in the caller's
transaction or in one of their own. Whoever changes instruments waits for those who do the same at that time.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, Final, NamedTuple

from django.db import connection, transaction
from django.db.models import Q

from market.corporate_actions.definition import State
from market.instruments.definition import FIELDS, OPTIONAL_FIELDS, InstrumentDefinition, InvalidInstrument
from market.models import REASON_LENGTH_MAX, CorporateAction, Instrument

ROWS_AT_A_TIME: Final = 1_000

_BEGIN: Final = """
    SELECT pg_advisory_xact_lock(hashtext('market_instrumentchange')),
        set_config('market.actor', %s, true), set_config('market.reason', %s, true)
"""
_END: Final = "SELECT set_config('market.actor', '', true), set_config('market.reason', '', true)"
"""What else the caller's transaction does is no change that somebody gave a reason for."""


class Saved(NamedTuple):
    """What became of changes: how many instruments are new, were changed, and were that already."""

    new: int
    changed: int
    unchanged: int


class UnknownInstrument(ValueError):
    """A change of an instrument that there is not."""


class MissingField(InvalidInstrument):
    """A new instrument of which something is not said."""

    def __init__(self, symbol: str, field: str) -> None:
        super().__init__(field, f"{symbol} is new, and a new instrument needs its {field}, which is not given")
        self.symbol = symbol


class InvalidReason(ValueError):
    """A reason that says nothing, or too much."""


def save_instruments(
    changes: Sequence[Mapping[str, Any]],
    *,
    actor: str,
    reason: str,
    only_new: bool = False,
    is_dry_run: bool = False,
    is_action: bool = False,
    say: Callable[[int], None] = lambda saved: None,
) -> Saved:
    """Add and change instruments, all of them or none; each change has the symbol and the fields that it is about.

    While a corporate action is applied to an instrument only that (`is_action`) ends its halt; whoever else halts it
    then has it stay halted afterwards. With `only_new` those that there are stay as they are; `say` is told how many
    are written so far. Values are checked ones (`parse_field`); raises MissingField when a new instrument lacks one,
    InvalidInstrument for the end of such a halt, and InvalidReason.
    """
    with recorded_as(actor=actor, reason=reason):
        _heed_actions(changes, is_action=is_action)
        existing = stored_definitions([change["symbol"] for change in changes])
        wanted = {
            change["symbol"]: _changed(existing.get(change["symbol"]), change)
            for change in changes
            if not (only_new and change["symbol"] in existing)
        }
        different = [each for symbol, each in wanted.items() if each != existing.get(symbol)]
        for start in range(0, 0 if is_dry_run else len(different), ROWS_AT_A_TIME):
            _write(different[start : start + ROWS_AT_A_TIME])
            say(min(start + ROWS_AT_A_TIME, len(different)))
    new = sum(each.symbol not in existing for each in different)
    return Saved(new=new, changed=len(different) - new, unchanged=len(changes) - len(different))


def set_halted(symbols: Sequence[str], *, is_halted: bool, actor: str, reason: str) -> Saved:
    """Halt instruments, or resume their trading.

    Raises UnknownInstrument, InvalidInstrument for the end of a corporate action's halt, and InvalidReason.
    """
    distinct = list(dict.fromkeys(symbols))
    unknown = sorted(set(distinct) - stored_definitions(distinct).keys())
    if unknown:
        raise UnknownInstrument(f"there is no instrument {', '.join(unknown[:10])}: nothing was changed")
    return save_instruments(
        [{"symbol": symbol, "is_halted": is_halted} for symbol in distinct], actor=actor, reason=reason
    )


@contextmanager
def recorded_as(*, actor: str, reason: str) -> Iterator[None]:
    """Let what is changed in the block be recorded with who and why, in the caller's transaction or one of its own.

    Whoever does so waits for those who do the same. Raises InvalidReason.
    """
    checked_reason = check_reason(reason)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_BEGIN, [actor, checked_reason])
        yield
        cursor.execute(_END)


def stored_definitions(symbols: Sequence[str]) -> dict[str, InstrumentDefinition]:
    """Return those instruments of these symbols that there are, as the database has them now."""
    rows = Instrument.objects.filter(symbol__in=symbols).values_list(*FIELDS)
    return {row[0]: InstrumentDefinition(*row) for row in rows}


def check_reason(reason: str) -> str:
    """Return a reason as it is recorded; raises InvalidReason."""
    text = unicodedata.normalize("NFC", reason).strip()
    if not 1 <= len(text) <= REASON_LENGTH_MAX or not text.isprintable():
        raise InvalidReason(f"a reason is 1 to {REASON_LENGTH_MAX} printable characters, found {reason[:20]!r}")
    return text


def _heed_actions(changes: Sequence[Mapping[str, Any]], *, is_action: bool) -> None:
    """Keep halts of running corporate actions, and note those that somebody adds; raises InvalidInstrument."""
    halts = {change["symbol"]: change["is_halted"] for change in changes if "is_halted" in change}
    if is_action or not halts:
        return
    actions = CorporateAction.objects.filter(state=State.APPLYING)
    running = actions.filter(Q(symbol__in=list(halts)) | Q(new_symbol__in=list(halts)))
    for action in running:
        for symbol in {action.symbol, action.new_symbol} & halts.keys():
            if not halts[symbol]:
                raise InvalidInstrument(
                    "is_halted",
                    f"{symbol} is halted while corporate action {action.pk} is applied, and resumed by itself after it",
                )
    running.update(keeps_halted=True)


def _write(definitions: Sequence[InstrumentDefinition]) -> None:
    Instrument.objects.bulk_create(
        [Instrument(**asdict(each)) for each in definitions],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=[name for name in FIELDS if name != "symbol"],
    )


def _changed(before: InstrumentDefinition | None, change: Mapping[str, Any]) -> InstrumentDefinition:
    if before is not None:
        return replace(before, **change)
    given = {**OPTIONAL_FIELDS, **change}
    for field in FIELDS:
        if field not in given:
            raise MissingField(change["symbol"], field)
    return InstrumentDefinition(**given)
