"""The back office: marks accounts at each close, and applies the actions whose day has come, one after the other.

One process at a time works (an advisory lock of PostgreSQL, over a connection of its own). It keeps nothing: whatever
it was killed in, its rows say how far it came. An action is due once the market is in its session, or the session
before has closed; accounts are marked at that close first, because its prices are those of the shares of before. What
goes wrong with the marks stops no action. Actions of one symbol are applied one after the other, in the order of their
days: while one waits, those behind it wait too.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import takewhile
from typing import Final

import psycopg
import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, OperationalError

from accounts.writer.bus.ports import get_bus
from edge.database import BoundedConnection, connection_parameters
from edge.request_thread import close_connections
from eventstore.errors import EventStoreError
from eventstore.store import get_store
from market.corporate_actions.definition import Kind, State
from market.instruments.changes import stored_definitions
from market.models import CorporateAction
from market.quote_board import read_board
from market.quotes import QuoteSheet
from market.replay import Phase
from market.sessions import calendar_of, sessions_of
from tradingplatform.corporate_actions.applying import Applier, Waiting
from tradingplatform.session_marks import SessionMarks

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 60.0
"""How long holders who refused, and an action that waits, are left alone."""
_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('tradingplatform.back_office'))"


class AlreadyWorking(Exception):
    """Another process is at it."""


class BackOffice:
    """Looks now and then what there is to do, and does it."""

    def __init__(self, *, is_stopped: Callable[[], bool]) -> None:
        self._is_stopped = is_stopped
        self._applier = Applier(
            bus=get_bus(), store=get_store(), sheet=latest_sheet, say=self._note, is_stopped=is_stopped
        )
        self._marks = SessionMarks(bus=get_bus(), store=get_store(), is_stopped=is_stopped)
        self._waits: dict[int, float] = {}
        """Until when each action is left alone."""
        self._said: dict[int, str] = {}
        self._marks_wait = 0.0
        """Until when the marks are left alone."""

    def look(self) -> None:
        """Do what there is to do; raises nothing that passes."""
        try:
            sheet = latest_sheet()
            if self._marks_are_due(sheet) or self._due(sheet):
                with alone():
                    self._mark(sheet)
                    due = due_actions(sheet)
                    for action in due:
                        self._apply(action, due)
        except AlreadyWorking:
            return
        except (DatabaseError, psycopg.Error, EventStoreError) as error:
            log.warning("the back office waits", reason=str(error).strip())
        finally:
            close_connections()

    def _marks_are_due(self, sheet: QuoteSheet) -> bool:
        with self._whatever_marks_raise():
            return self._marks_wait <= time.monotonic() and self._marks.is_due(sheet)
        return False

    def _mark(self, sheet: QuoteSheet) -> None:
        if self._marks_are_due(sheet):
            with self._whatever_marks_raise():
                self._marks.mark(sheet)

    @contextmanager
    def _whatever_marks_raise(self) -> Iterator[None]:
        """Say what marks raise, and let the actions go on."""
        try:
            yield
        except (OperationalError, EventStoreError) as error:
            log.warning("accounts are not marked yet", reason=str(error).strip())
        except Exception:
            log.exception("accounts could not be marked, which is tried again")
            self._marks_wait = time.monotonic() + RETRY_SECONDS

    def _due(self, sheet: QuoteSheet) -> list[CorporateAction]:
        return [each for each in due_actions(sheet) if not self._is_left_alone(each)]

    def _is_left_alone(self, action: CorporateAction) -> bool:
        return self._waits.get(action.pk, 0.0) > time.monotonic()

    def _apply(self, action: CorporateAction, due: Sequence[CorporateAction]) -> None:
        """Apply one of those that are due, if it is its turn; it is as the database has it afterwards."""
        if self._is_stopped() or self._is_left_alone(action):
            return
        if (earlier := earlier_action(action, due)) is not None:
            self._say_waiting(action, f"it waits for corporate action {earlier}")
            return
        try:
            self._applier.apply(action)
        except Waiting as error:
            self._say_waiting(action, str(error))
        except (OperationalError, EventStoreError):
            raise
        except Exception:  # Whatever it is, the others go on.
            log.exception("a corporate action failed, and is tried again", action_id=action.pk)
            self._waits[action.pk] = time.monotonic() + RETRY_SECONDS
        action.refresh_from_db()
        if action.state in (State.ANNOUNCED, State.FAILED):
            self._waits[action.pk] = time.monotonic() + RETRY_SECONDS

    def _say_waiting(self, action: CorporateAction, reason: str) -> None:
        if self._said.get(action.pk) != reason:
            log.warning("a corporate action waits", action_id=action.pk, reason=reason)
        self._said[action.pk] = reason

    def _note(self, action: CorporateAction, text: str) -> None:
        self._said.pop(action.pk, None)
        log.info("corporate action", action_id=action.pk, symbol=action.symbol, said=text)


def latest_sheet() -> QuoteSheet:
    """Return the market's latest quotes."""
    return read_board(redis_url=settings.REDIS_URL, now_us=time.time_ns() // 1_000)


def due_actions(sheet: QuoteSheet) -> list[CorporateAction]:
    """Return what is to be applied now: what was begun first, then by days, and dividends of a day before the splits of
    that day, for the shares of before.
    """
    actions = CorporateAction.objects.filter(state__in=(State.ANNOUNCED, State.APPLYING, State.FAILED))
    due = [each for each in actions if each.state != State.ANNOUNCED or is_due(each, sheet)]
    return sorted(due, key=_order)


def earlier_action(action: CorporateAction, due: Sequence[CorporateAction]) -> CorporateAction | None:
    """Return the action that has to be applied before this one of those that are due, in their order: it concerns the
    same symbol, old or new, and is not over. None when it is this one's turn, and for one that some accounts refused,
    which keeps nobody from trading.
    """
    if action.state == State.FAILED:
        return None
    symbols = _symbols(action)
    before = takewhile(lambda each: each.pk != action.pk, due)
    unfinished = (each for each in before if each.state in (State.ANNOUNCED, State.APPLYING))
    return next((each for each in unfinished if symbols & _symbols(each)), None)


def _order(action: CorporateAction) -> tuple[bool, date, bool, int]:
    return action.state != State.APPLYING, action.effective_date, action.kind != Kind.DIVIDEND, action.pk


def _symbols(action: CorporateAction) -> set[str]:
    return {symbol for symbol in (action.symbol, action.new_symbol) if symbol is not None}


def is_due(action: CorporateAction, sheet: QuoteSheet) -> bool:
    """Tell whether the session of an action has begun, or is the next one."""
    session = sheet.session_date
    if session is None or sheet.phase is Phase.STALE:
        return False
    if action.effective_date <= session:
        return True
    if sheet.phase is not Phase.CLOSED:
        return False
    sessions = sessions_of(calendar_of(stored_definitions([action.symbol])[action.symbol]))
    between = (session + timedelta(days=day) for day in range(1, (action.effective_date - session).days))
    return all(sessions.on(day) is None for day in between)


@contextmanager
def alone() -> Iterator[None]:
    """Let nobody else do the back office's work meanwhile; raises AlreadyWorking."""
    with BoundedConnection.connect(**connection_parameters(DEFAULT_DB_ALIAS), autocommit=True) as held:
        ((is_alone,),) = held.execute(_LOCK)
        if not is_alone:
            raise AlreadyWorking("another process of the back office is at work: it does this as well")
        yield
