"""The venue's stops and starts: recorded with who and why, never changed, and followed by every process."""

import threading

import pytest
from django.db import IntegrityError, connection

from market.instruments.changes import InvalidReason
from market.instruments.current import InstrumentFollower
from market.models import VenueChange
from market.payloads import venue_payload
from market.venue.changes import set_stopped, stored_state
from market.venue.state import RUNNING
from tradingplatform.local.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def stop(*, is_stopped=True, reason="a runaway program"):
    return set_stopped(is_stopped=is_stopped, actor="user:1/ada", reason=reason)


@pytest.fixture
def follower():
    """One that looks when a test says so, as its thread does every second."""
    made = InstrumentFollower()
    yield made
    made.close()


def test_it_runs_until_somebody_stops_it_and_again_when_somebody_starts_it():
    assert stored_state() == RUNNING
    assert stop()
    state = stored_state()
    assert (state.is_stopped, state.actor, state.reason) == (True, "user:1/ada", "a runaway program")
    assert stop(is_stopped=False, reason="it is over")
    assert (stored_state().is_stopped, stored_state().reason) == (False, "it is over")
    assert VenueChange.objects.count() == 2


def test_what_it_is_already_is_not_recorded_again():
    assert not stop(is_stopped=False)
    assert stop()
    assert not stop(reason="once more")
    assert [change.reason for change in VenueChange.objects.all()] == ["a runaway program"]


@pytest.mark.parametrize("reason", ["", "  ", "x" * 141, "a\nb"])
def test_without_a_reason_nothing_is_changed(reason):
    with pytest.raises(InvalidReason, match="1 to 140 printable"):
        stop(reason=reason)
    assert stored_state() == RUNNING


@pytest.mark.parametrize(
    "statement", ["UPDATE market_venuechange SET actor = 'user:2/zoe'", "DELETE FROM market_venuechange"]
)
def test_the_log_is_only_ever_added_to(statement):
    stop()
    with pytest.raises(IntegrityError, match="only ever added to"):
        connection.cursor().execute(statement)
    with pytest.raises(IntegrityError, match="who_and_why"):
        VenueChange.objects.create(is_stopped=False, at=stored_state().at, actor="", reason="x")


def test_of_several_who_stop_it_at_once_one_is_recorded():
    found, barrier = [], threading.Barrier(4)

    def try_it():
        barrier.wait(10)
        found.append(stop())
        connection.close()

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == [False, False, False, True]
    assert VenueChange.objects.count() == 1


def test_a_process_knows_it_at_its_next_look_and_what_it_is_unknown_before_the_first(follower):
    assert not follower._venue.may_fill
    follower.refresh()
    assert follower._venue.may_fill
    stop()
    follower.refresh()
    before = follower._venue
    assert (before.is_stopped, before.may_fill) == (True, False)
    follower.refresh()
    assert follower._venue is before
    stop(is_stopped=False)
    follower.refresh()
    assert follower._venue.may_fill


def test_a_process_goes_on_with_what_it_last_knew_while_postgresql_is_away(follower, monkeypatch):
    stop()
    follower.refresh()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "PORT", free_port())
        ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s"
        connection.cursor().execute(ends, [follower._connection.info.backend_pid])
        for _ in range(3):
            follower.refresh()
    assert not follower._venue.may_fill
    stop(is_stopped=False)
    follower.refresh()
    assert follower._venue.may_fill


def test_the_market_shows_by_whom_since_when_and_why():
    assert venue_payload(RUNNING) == {"is_stopped": False, "since": None, "actor": "", "reason": ""}
    stop()
    shown = venue_payload(stored_state())
    assert (shown["is_stopped"], shown["actor"], shown["reason"]) == (True, "user:1/ada", "a runaway program")
    assert shown["since"].endswith("Z")
