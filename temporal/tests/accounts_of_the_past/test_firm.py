"""All accounts as of one instant: each as it was, those opened later left out, totals, progress, one's own only."""

import io
import json
import uuid

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.test import AsyncClient

from accounts.domain.commands import DepositCash, OpenAccount, PlaceOrder
from accounts.domain.values import SHARE
from temporal.api import streaming
from temporal.as_of.as_of import Moment, account_as_of
from temporal.as_of.firm import Totals, accounts_as_of
from temporal.tests.accounts_of_the_past.conftest import ADA, BOB, NOBODY, Reader, flip_a_bit, instant

pytestmark = pytest.mark.django_db(transaction=True)
NOON, ONE, TWO = (f"2026-01-05T{hour}:00:00Z" for hour in (12, 13, 14))
OTHERS = sorted(str(uuid.UUID(int=number, version=4)) for number in range(40))
ORDER = "1f0e4a52-0000-4000-8000-000000000001"


@pytest.fixture
def firm(past):
    """ADA from noon on, forty others from one o'clock on, BOB from two on; some in pages, some not."""
    past.at(ONE).buy(10, 50)
    for number, account_id in enumerate(OTHERS):
        past.open(account_id, cash=number + 1)
    past.execute(OTHERS[0], PlaceOrder(ORDER, "mine", "KO", "BUY", SHARE, "LIMIT", "GTC", 100, None, 0))
    past.make_pages()
    past.at(TWO).open(BOB).execute(ADA, DepositCash(10_000, ""))
    return past.execute(NOBODY, OpenAccount("carl", "Euros", "EUR"), DepositCash(70_000, ""))


def stream(reader, **parameters):
    """Return the status and the lines, as a client of the asynchronous server gets them."""

    async def get():
        answer = await AsyncClient().get("/api/as-of", parameters, headers=reader.headers)
        if not answer.streaming:
            return answer.status_code, answer.json()
        assert answer["Content-Type"] == "application/x-ndjson"
        return answer.status_code, b"".join([chunk async for chunk in answer.streaming_content])

    status, body = async_to_sync(get)()
    return status, [json.loads(line) for line in body.splitlines()] if isinstance(body, bytes) else body


@pytest.mark.parametrize(("at", "expected"), [(NOON, [ADA]), (ONE, [ADA, *OTHERS]), (TWO, [ADA, *OTHERS, BOB, NOBODY])])
def test_both_ways_find_each_account_as_it_was_then_and_no_other(firm, at, expected):
    alone = {name: account_as_of(name, Moment(at=instant(at))) for name in expected}
    for account_ids in (None, [ADA, BOB, NOBODY, *OTHERS, str(uuid.uuid4())]):
        found = list(accounts_as_of(instant(at), account_ids=account_ids))
        assert len(found) == len(expected)
        assert {name: (state, version) for name, state, version in found} == {
            name: (as_of.state, as_of.version) for name, as_of in alone.items()
        }


def test_progress_counts_to_the_end(firm):
    for account_ids, total in ((None, firm.store.partition_count), ([ADA, BOB, *OTHERS], 42)):
        told = []
        list(
            accounts_as_of(
                instant(ONE), account_ids=account_ids, on_progress=lambda done, of, told=told: told.append((done, of))
            )
        )
        assert told == [(done, total) for done in range(total + 1)]


def test_one_sees_ones_own_accounts_and_staff_sees_all(firm, db):
    status, lines = stream(Reader("ada", ADA, OTHERS[3], BOB), at=ONE)
    assert status == 200
    assert [line["account_id"] for line in lines[:-1]] == sorted([ADA, OTHERS[3]])
    assert lines[-1] == {
        "totals": {
            "at": "2026-01-05T13:00:00.000000Z",
            "accounts": 2,
            "currencies": [
                {
                    "currency": "USD",
                    "accounts": 2,
                    "cash": "999504.0000",
                    "positions_value": "500.0000",
                    "portfolio_value": "1000004.0000",
                }
            ],
        }
    }
    assert len(stream(Reader("officer", is_staff=True), at=ONE)[1]) == 42
    assert stream(Reader("stranger"), at=ONE)[1] == [
        {"totals": {"at": "2026-01-05T13:00:00.000000Z", "accounts": 0, "currencies": []}}
    ]


def test_currencies_are_not_added_up(firm, db):
    *accounts, last = stream(Reader("officer", is_staff=True))[1]
    assert [(each["currency"], each["accounts"], each["cash"]) for each in last["totals"]["currencies"]] == [
        ("EUR", 1, "7.0000"),
        ("USD", 42, "2000321.0000"),
    ]
    assert last["totals"]["accounts"] == len(accounts) == 43
    (of_ada,) = [line for line in accounts if line["account_id"] == ADA]
    assert [(p["symbol"], p["quantity"]) for p in of_ada["positions"]] == [("KO", "10")]
    assert sum(line["open_orders"] for line in accounts) == 1


@pytest.mark.parametrize(
    ("at", "code"), [("9999-01-01T00:00:00Z", "FUTURE_INSTANT"), ("2026-01-05T12:00:00", "INVALID_MOMENT")]
)
def test_an_instant_that_is_none_is_a_problem(firm, ada, at, code):
    status, problem = stream(ada, at=at)
    assert (status, problem["code"]) == (400, code)


def test_who_is_not_logged_in_gets_nothing(firm):
    class Nobody:
        headers = {}

    assert stream(Nobody)[0] == 401


def test_lines_may_be_asked_for_by_their_media_type(firm, ada):
    ada.headers["Accept"] = "application/x-ndjson"
    assert [line.get("account_id") for line in stream(ada, at=ONE)[1]] == [ADA, None]
    assert stream(ada, at="noon")[1]["code"] == "INVALID_MOMENT"


def test_a_damaged_history_is_a_problem(firm, db, tmp_path):
    flip_a_bit(tmp_path / "events", "journal")
    status, problem = stream(Reader("officer", is_staff=True), at=ONE)
    assert (status, problem["code"]) == (500, "HISTORY_DAMAGED")


def test_damage_that_is_found_on_the_way_is_the_last_line_and_there_are_no_totals(firm, db, tmp_path, monkeypatch):
    flip_a_bit(tmp_path / "events", "journal", partition=1)
    monkeypatch.setattr(streaming, "LINES_AT_ONCE", 1)
    status, lines = stream(Reader("officer", is_staff=True), at=ONE)
    whole = sorted(name for name in [ADA, *OTHERS] if firm.store.partition_of(name) == 0)
    assert status == 200
    assert [line["account_id"] for line in lines[:-1]] == whole
    assert lines[-1].keys() == {"error"}
    assert lines[-1]["error"]["code"] == "HISTORY_DAMAGED"


def test_the_whole_firm_is_read_once_at_a_time(firm, db):
    officer = Reader("officer", is_staff=True)
    busy = streaming.lines(instant(ONE), None)
    next(busy)
    status, problem = stream(officer, at=ONE)
    assert (status, problem["code"]) == (429, "RATE_LIMITED")
    busy.close()
    assert stream(officer, at=ONE)[0] == 200


def test_the_command_prints_accounts_and_totals(firm):
    out = io.StringIO()
    call_command("firm_as_of", "--at", ONE, "--json", stdout=out)
    *accounts, last = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(accounts) == last["totals"]["accounts"] == 41
    out = io.StringIO()
    call_command("firm_as_of", "--at", NOON, stdout=out)
    assert "1 accounts as of 2026-01-05T12:00:00.000000Z" in out.getvalue()
    assert "1000000.0000" in out.getvalue()
    with pytest.raises(CommandError, match="no time zone"):
        call_command("firm_as_of", "--at", "2026-01-05T12:00:00")


def test_totals_are_those_of_the_accounts(firm):
    totals = Totals(instant(TWO))
    for account in accounts_as_of(instant(TWO), account_ids=None):
        totals.add(account)
    assert totals.accounts == 43
    cash = sum(account_as_of(name).state.cash for name in (ADA, BOB, *OTHERS))
    assert totals.by_currency["USD"][1] == cash
