"""Accounts of the past: at every instant what a plain fold from the first event gives, over REST, and as a command."""

import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.api_keys import create_api_key
from accounts.domain.account import evolve
from accounts.domain.commands import CancelOrder, DepositCash, ExecuteTrade, FreezeAccount, OpenAccount, PlaceOrder
from accounts.domain.state import Account
from accounts.permissions import grant_ownership
from eventstore import streams
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.instants import instant_of
from eventstore.tests.audit.test_verify import tamper
from temporal.as_of import account_as_of
from temporal.diff import difference, events_of
from temporal.errors import BeforeOpening
from temporal.moments import Moment
from temporal.tests.history.conftest import ADA, BOB, Histories, histories

__all__ = ["histories"]
ORDER = "1f0e4a52-0000-4000-8000-000000000001"
SIDES = st.sampled_from(["BUY", "SELL"])
COMMANDS = st.one_of(
    st.builds(DepositCash, st.integers(1, 10**9), st.just("")),
    st.builds(
        ExecuteTrade, st.just("KO"), st.sampled_from(["BUY", "SELL"]), st.integers(1, 9), st.just(500_000), st.none()
    ),
    st.just(PlaceOrder(ORDER, "mine", "KO", "BUY", 3, "LIMIT", "GTC", 400_000, None, 0)),
    st.just(CancelOrder(ORDER, "")),
)
STEPS = st.lists(
    st.tuples(st.sampled_from([ADA, BOB]), COMMANDS, st.sampled_from([0, 0, 1, 60_000_000]), st.booleans()), max_size=40
)


def folded(events, *, at):
    """Return the account and the version that the events up to an instant add up to."""
    account, version = Account(), 0
    for event in events:
        if event.timestamp <= at:
            evolve(account, event.data)
            version = event.version
    return account, version


def check(steps):
    histories = Histories()
    for account_id in (ADA, BOB):
        histories.execute(account_id, OpenAccount("ada", "Savings", "USD"), DepositCash(10**10, ""))
    for account_id, command, microseconds, are_pages_made in steps:
        histories.now += microseconds
        histories.execute(account_id, command)
        if are_pages_made:
            histories.make_pages()
    for account_id in (ADA, BOB):
        events = list(histories.store.events(account_id))
        for at in {event.timestamp + offset for event in events for offset in (-1, 0)}:
            expected, version = folded(events, at=at)
            if version == 0:
                with pytest.raises(BeforeOpening):
                    account_as_of(account_id, Moment(at=instant_of(at)))
                continue
            found = account_as_of(account_id, Moment(at=instant_of(at)))
            assert (found.state, found.version) == (expected, version)
            assert account_as_of(account_id, Moment(version=version)).state == expected
        half = events[len(events) // 2].version
        changed = difference(account_id, Moment(version=half), Moment())
        assert [event.version for event in events_of(changed)] == [e.version for e in events if e.version > half]
        assert (not changed.changes) == (changed.before.state == changed.after.state)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_an_account_at_any_instant_is_what_its_events_add_up_to(steps):
    check(steps)


def test_an_instant_whose_own_event_is_left_out_is_found_out(monkeypatch):
    state = streams.Streams.state

    def late(self, evolver, aggregate_id, *, version=None, timestamp=None):
        return state(self, evolver, aggregate_id, version=version, timestamp=timestamp and timestamp - 1)

    monkeypatch.setattr(streams.Streams, "state", late)
    with pytest.raises((AssertionError, BeforeOpening)):
        check([])


@pytest.fixture
def past(histories):
    histories.at("2026-01-05T12:00:00Z").open()
    histories.at("2026-01-05T13:00:00Z").buy(10, 50)
    histories.at("2026-01-06T12:00:00Z").execute(ADA, FreezeAccount("audit"))
    return histories


@pytest.fixture
def get(db):
    user = get_user_model().objects.create_user("ada", password="a long password")
    grant_ownership(user=user, account_id=ADA)
    key = create_api_key(user=user, name="bot")

    def got(path, account_id=ADA, **parameters):
        answer = Client().get(
            f"/api/accounts/{account_id}/{path}", parameters, headers={"Authorization": f"Bearer {key}"}
        )
        return answer.status_code, answer.json()

    return got


def test_rest_shows_the_account_as_it_was(past, get):
    status, found = get("as-of", at="2026-01-05T13:30:00Z")
    assert status == 200
    assert (found["cash"], found["status"], found["version"]) == ("999500.0000", "ACTIVE", 4)
    assert (found["day"]["trades"], found["actor"]) == (1, "ada/bot")
    assert [(p["symbol"], p["quantity"], p["avg_cost"]) for p in found["positions"]] == [("KO", 10, "50.0000")]
    assert get("as-of", at="2026-01-06T11:00:00Z")[1]["day"]["trades"] == 0, "no trade on that day"
    assert get("as-of", version=3)[1]["positions"] == []
    assert get("as-of")[1]["status"] == "FROZEN"


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"at": "2026-01-05T11:59:59Z"}, 404, "BEFORE_OPENING"),
        ({"at": "2026-01-05T12:00:00"}, 400, "INVALID_MOMENT"),
        ({"at": "9999-01-01T00:00:00Z"}, 400, "FUTURE_INSTANT"),
        ({"at": "2026-01-05T13:00:00Z", "version": 1}, 400, "INVALID_MOMENT"),
        ({"version": 6}, 400, "INVALID_MOMENT"),
        ({"version": 0}, 400, "INVALID_MOMENT"),
        ({"account_id": BOB}, 404, "NOT_FOUND"),
    ],
)
def test_rest_says_what_is_wrong_with_a_moment(past, get, parameters, status, code):
    found_status, problem = get("as-of", **parameters)
    assert (found_status, problem["code"]) == (status, code)
    assert problem["detail"]


def test_rest_shows_what_changed_and_who_did_it(past, get):
    status, found = get("diff", from_at="2026-01-05T12:30:00Z", limit=1)
    assert status == 200
    changes = {change["field"]: (change["before"], change["after"]) for change in found["changes"]}
    assert changes["cash"] == ("1000000.0000", "999500.0000")
    assert changes["positions.KO.quantity"] == (None, 10)
    assert changes["status"] == ("ACTIVE", "FROZEN")
    assert [(e["version"], e["event_type"], e["reason"]) for e in found["events"]] == [(4, "TradeExecuted", None)]
    _, rest = get("diff", from_at="2026-01-05T12:30:00Z", limit=1, cursor=found["next"])
    assert [(e["version"], e["event_type"], e["reason"]) for e in rest["events"]] == [(5, "AccountFrozen", "audit")]
    assert rest["next"] is None
    assert get("diff", from_version=4, to_version=3)[1]["code"] == "INVALID_MOMENT"
    assert get("diff", from_version=3, to_version=3)[1]["changes"] == []


def test_a_history_that_was_tampered_with_is_refused_and_not_shown(tmp_path, get):
    histories = Histories(SQLiteEngine(tmp_path))
    histories.open().buy(10, 50)
    partition = histories.store.partition_of(ADA)
    tamper(
        tmp_path,
        ("UPDATE journal SET payload_crc = payload_crc + 1, hash = zeroblob(32) WHERE partition = ?", (partition,)),
    )
    for path in ("as-of", "diff"):
        status, problem = get(path)
        assert (status, problem["code"]) == (500, "HISTORY_DAMAGED")
        assert "verify_events" in problem["detail"]


def test_the_command_shows_the_same(past):
    out = io.StringIO()
    call_command("account_as_of", ADA, "--at-version", "4", "--json", stdout=out)
    assert json.loads(out.getvalue())["cash"] == "999500.0000"
    out = io.StringIO()
    call_command("account_as_of", ADA, "--at", "2026-01-05T13:30:00Z", stdout=out)
    assert "999500.0000" in out.getvalue()
    assert "KO" in out.getvalue()
    with pytest.raises(CommandError, match="was opened at 2026-01-05T12:00:00"):
        call_command("account_as_of", ADA, "--at", "2025-01-05T13:30:00Z")
    with pytest.raises(CommandError, match="no events of an account"):
        call_command("account_as_of", BOB)
