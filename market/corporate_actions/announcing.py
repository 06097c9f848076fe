"""The one way to announce and to withdraw corporate actions: what is asked for is checked, written, and recorded with
who and why.

Admin, GraphQL, files and the demo all call `announce`. The terms of an action never change: whoever wants others
withdraws it, which is possible until it is applied, and announces another one. Each change is recorded by the database,
as those of instruments are.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from django.db import IntegrityError, transaction

from market.corporate_actions.definition import CorporateActionTerms, InvalidCorporateAction, Kind, State, format_terms
from market.instruments.changes import recorded_as, stored_definitions
from market.instruments.definition import InstrumentDefinition
from market.models import CorporateAction
from market.sessions import calendar_of, sessions_of


class UnknownCorporateAction(ValueError):
    """There is no such action."""


class NotWithdrawable(ValueError):
    """An action that was withdrawn before, or whose holders are being served."""


class InvalidAnnouncement(InvalidCorporateAction):
    """The action at `place` of those that were to be announced together cannot be."""

    def __init__(self, place: int, error: InvalidCorporateAction) -> None:
        super().__init__(error.field, str(error))
        self.place = place


def announce(
    actions: Sequence[CorporateActionTerms], *, session_date: date | None, actor: str, reason: str
) -> list[CorporateAction]:
    """Announce actions, all of them or none, and return their rows.

    `session_date` is the session that the market is in or was in last, None when nothing is known of it. Raises
    InvalidAnnouncement, which says which one is wrong, and InvalidReason.
    """
    rows = []
    with recorded_as(actor=actor, reason=reason):
        for place, terms in enumerate(actions):
            try:
                check(terms, session_date=session_date)
                with transaction.atomic():
                    rows.append(CorporateAction.objects.create(**asdict(terms)))
            except InvalidCorporateAction as error:
                raise InvalidAnnouncement(place, error) from error
            except IntegrityError as error:
                raise InvalidAnnouncement(place, _duplicate(terms)) from error
    return rows


def check(terms: CorporateActionTerms, *, session_date: date | None) -> None:
    """Raise InvalidCorporateAction for what cannot be announced now."""
    definitions = stored_definitions([each for each in (terms.symbol, terms.new_symbol) if each is not None])
    instrument = definitions.get(terms.symbol)
    if instrument is None:
        raise InvalidCorporateAction("symbol", f"there is no instrument {terms.symbol}: import or add it first")
    if not instrument.is_tradable:
        raise InvalidCorporateAction("symbol", f"{terms.symbol} is not traded any more: nothing can happen to it")
    _check_date(terms, instrument, session_date)
    if terms.kind is Kind.SYMBOL_CHANGE and (new := definitions.get(str(terms.new_symbol))) is not None:
        _check_successor(instrument, new)
    others = CorporateAction.objects.filter(symbol=terms.symbol, state__in=(State.ANNOUNCED, State.APPLYING))
    if others.filter(kind=terms.kind, effective_date=terms.effective_date).exists():
        raise _duplicate(terms)
    if terms.kind is not Kind.DIVIDEND and others.filter(effective_date=terms.effective_date).exclude(
        kind=Kind.DIVIDEND
    ):
        raise InvalidCorporateAction(
            "effective_date",
            f"another split or change of symbol of {terms.symbol} is announced for that day: choose one",
        )


def withdraw(action_id: int, *, actor: str, reason: str) -> CorporateAction:
    """Withdraw an action that nobody has begun to apply.

    Raises UnknownCorporateAction, NotWithdrawable, and InvalidReason.
    """
    with recorded_as(actor=actor, reason=reason):
        action = CorporateAction.objects.select_for_update().filter(pk=action_id).first()
        if action is None:
            raise UnknownCorporateAction(f"there is no corporate action {action_id}")
        if action.state != State.ANNOUNCED:
            raise NotWithdrawable(f"corporate action {action_id} is {action.state}: only an announced one is withdrawn")
        action.state = State.WITHDRAWN
        action.save(update_fields=["state"])
    return action


def _check_date(terms: CorporateActionTerms, instrument: InstrumentDefinition, session_date: date | None) -> None:
    sessions = sessions_of(calendar_of(instrument))
    if sessions.on(terms.effective_date) is None:
        raise InvalidCorporateAction(
            "effective_date", f"{instrument.exchange} has no session on {terms.effective_date}: choose a trading day"
        )
    if session_date is not None and terms.effective_date <= session_date:
        raise InvalidCorporateAction(
            "effective_date",
            f"the market is at {session_date}: a session that has begun keeps its terms; choose a later day",
        )


def _check_successor(old: InstrumentDefinition, new: InstrumentDefinition) -> None:
    if old.currency != new.currency:
        raise InvalidCorporateAction(
            "new_symbol",
            f"{new.symbol} is traded in {new.currency} and {old.symbol} in {old.currency}: choose another",
        )
    if not new.is_tradable:
        raise InvalidCorporateAction("new_symbol", f"{new.symbol} is not traded any more: make it tradable first")


def _duplicate(terms: CorporateActionTerms) -> InvalidCorporateAction:
    return InvalidCorporateAction(
        "symbol",
        f"a {terms.kind} of {terms.symbol} on {terms.effective_date} is announced already: withdraw it to change it "
        f"(asked for: {format_terms(terms)})",
    )
