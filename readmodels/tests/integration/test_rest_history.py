"""REST: trades, events and days narrowed by what is asked for, and nobody is sent again what they have."""

import io

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.domain.commands import FreezeAccount, UnfreezeAccount
from edge import database
from identity.models import AccountAccess
from identity.permissions import grant_ownership
from readmodels.queries import listings
from readmodels.tests.conftest import ADA, DAY, project
from readmodels.tests.integration.test_rest import Reader, ada, problem  # noqa: F401 - `ada` is a fixture.

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(ada, history):  # noqa: F811
    """Ada's account with trades in two symbols, and a reason with a sign that a pattern would take for its own."""
    history.buy(ADA, shares=3, symbol="XOM")
    history.execute(ADA, FreezeAccount("100% sure_ly"))
    project()
    return ada


def versions(answer):
    return [row["version"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [8, 7, 6, 5, 4, 3]),
        ({"symbol": "XOM"}, [8]),
        ({"side": "SELL"}, [7]),
        ({"symbol": "KO", "side": "BUY", "limit": 2}, [6, 5]),
        ({"symbol": "KO", "side": "BUY", "limit": 2, "cursor": "5"}, [4, 3]),
        ({"from": "2020-01-01T00:00:00Z"}, [8, 7, 6, 5, 4, 3]),
        ({"to": "2020-01-01T00:00:00Z"}, []),
    ],
)
def test_trades_are_narrowed(told, asked, expected):
    assert versions(told.get(f"accounts/{ADA}/trades", **asked)) == expected


def test_times_cut_where_they_say(told):
    trades = told.get(f"accounts/{ADA}/trades").json()["results"]
    begin, end = trades[4]["executed_at"], trades[1]["executed_at"]
    expected = [trade["version"] for trade in trades if begin <= trade["executed_at"] < end]
    assert versions(told.get(f"accounts/{ADA}/trades", **{"from": begin, "to": end})) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"limit": 2}, [9, 8]),
        ({"type": "AccountFrozen"}, [9]),
        ({"type": "AccountFrozen, AccountOpened"}, [9, 1]),
        ({"text": "xom"}, [8]),
        ({"text": "100% SURE"}, [9]),
        ({"text": "%%"}, []),
        ({"text": "sure_"}, [9]),
        ({"text": "s_re"}, []),
        ({"type": "TradeExecuted", "text": "SELL"}, [7]),
    ],
)
def test_events_are_found_by_type_and_text(told, asked, expected):
    assert versions(told.get(f"accounts/{ADA}/activity", **asked)) == expected


REASON = 'say "hi" \\d 100%_ [a].* caf\u00e9 nai\u0308ve \U0001f600'


def test_a_text_is_searched_as_it_was_typed_in_values_and_never_in_names(told, history):
    history.execute(ADA, UnfreezeAccount(REASON), FreezeAccount("null true"))
    project()
    found = (
        'say "hi"',
        'SAY "HI"',
        '"hi" \\d',
        "100%_",
        "[A].*",
        "caf\u00e9",
        "cafe\u0301",
        "CAF\u00c9",
        "na\u00efve",
        "ve \U0001f600",
    )
    for text in found:
        assert versions(told.get(f"accounts/{ADA}/activity", text=text)) == [10], text
    for text in (
        "reason",
        "Reason",
        '"reason"',
        "cash_after",
        "false",
        "100__",
        "[a].x",
        'hi\\"',
        "\\\\d",
        "}, {",
        "arguments",
    ):
        assert versions(told.get(f"accounts/{ADA}/activity", text=text)) == [], text
    assert versions(told.get(f"accounts/{ADA}/activity", text="null true")) == [11]
    (opened,) = told.get(f"accounts/{ADA}/activity", type="AccountOpened").json()["results"]
    assert opened["version"] in versions(told.get(f"accounts/{ADA}/activity", text="usd"))
    (bought,) = told.get(f"accounts/{ADA}/activity", text="XOM").json()["results"]
    quantity = str(bought["data"]["quantity"])
    assert bought["version"] in versions(told.get(f"accounts/{ADA}/activity", text=bought["data"]["price"]))
    assert len(quantity) < 2 or bought["version"] in versions(told.get(f"accounts/{ADA}/activity", text=quantity))


def test_an_event_says_who_did_what(told):
    (event,) = told.get(f"accounts/{ADA}/activity", limit=1).json()["results"]
    assert (event["type"], event["actor"], event["data"]["reason"]) == ("AccountFrozen", "ada/bot", "100% sure_ly")


def test_days_come_in_pages(told):
    (day,) = told.get(f"accounts/{ADA}/daily-pnl").json()["results"]
    assert told.get(f"accounts/{ADA}/daily-pnl", cursor=day["date"]).json() == {"results": [], "next": None}
    assert told.get(f"accounts/{ADA}/daily-pnl", **{"from": day["date"]}).json()["results"] == [day]
    assert told.get(f"accounts/{ADA}/daily-pnl", to=day["date"]).json()["results"] == []


@pytest.mark.parametrize(
    ("path", "asked", "message"),
    [
        (
            "trades",
            {"symbl": "KO"},
            "symbl: there is no such parameter here: it takes cursor, fields, from, limit",
        ),
        ("", {"limit": "1"}, "limit: there is no such parameter here: it takes fields, min_version"),
        (
            "trades",
            {"from": "2026-01-01T00:00:00"},
            "from: an instant is RFC 3339 with a time zone, such as 2026-01-31T09:30:00Z",
        ),
        ("trades", {"side": "LONG"}, "side"),
        ("activity", {"type": "Opened"}, "type: there is no 'Opened': there are AccountClosed, AccountFrozen"),
        ("activity", {"text": "x"}, "text"),
        ("daily-pnl", {"cursor": "x"}, "cursor"),
        ("trades.csv", {"limit": "1"}, "limit: there is no such parameter here"),
    ],
)
def test_what_makes_no_sense_is_named(told, path, asked, message):
    answer = told.get(f"accounts/{ADA}/{path}".rstrip("/"), **asked)
    assert problem(answer) == (400, "BAD_REQUEST")
    assert message in answer.json()["detail"]


def test_a_search_that_takes_too_long_is_given_up(told, monkeypatch):
    monkeypatch.setattr(database, "STATEMENT_SECONDS_MAX", 0.3)
    monkeypatch.setattr(listings, "SYMBOL_IS", listings.Condition("symbol", "= %s || coalesce(pg_sleep(1)::text, '')"))
    assert problem(told.get(f"accounts/{ADA}/trades", symbol="KO")) == (422, "SEARCH_TOO_LONG")


PATHS = ["", "/portfolio", "/positions", "/trades", "/orders", "/activity", "/daily-pnl"]


class TestTags:
    def again(self, reader, path, tag):
        return Client().get(f"/api/accounts/{ADA}{path}", headers={**reader.headers, "If-None-Match": tag})

    @pytest.mark.parametrize("path", PATHS)
    def test_nobody_is_sent_again_what_they_have(self, told, history, path):
        first = told.get(f"accounts/{ADA}{path}")
        assert first["Cache-Control"] == "private, no-cache"
        unchanged = self.again(told, path, first["ETag"])
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", first["ETag"])
        AccountAccess.objects.filter(user=told.user).update(role="viewer")
        assert self.again(told, path, first["ETag"]).status_code == 200  # What one may do is shown, too.

    @pytest.mark.parametrize("path", PATHS)
    def test_whatever_happens_is_seen_at_once(self, told, history, path):
        first = told.get(f"accounts/{ADA}{path}")
        history.execute(ADA, UnfreezeAccount("looked at"))
        project()
        assert self.again(told, path, first["ETag"]).status_code == 200

    def test_other_questions_have_other_tags(self, told):
        tags = {told.get(f"accounts/{ADA}{path}")["ETag"] for path in [*PATHS, "/trades?limit=1", "/trades?limit=2"]}
        assert len(tags) == len(PATHS) + 2

    def test_a_rebuild_ends_every_tag(self, told):
        first = told.get(f"accounts/{ADA}")
        call_command("rebuild_readmodels", "--yes", stdout=io.StringIO())
        assert self.again(told, "", first["ETag"]).status_code == 200

    def test_a_stranger_learns_nothing_from_a_tag(self, told):
        first = told.get(f"accounts/{ADA}")
        assert problem(self.again(Reader("stranger"), "", first["ETag"])) == (404, "NOT_FOUND")


LISTS = {"trades": "version", "activity": "version", "orders": "placed_version", "daily-pnl": "date"}


@pytest.fixture
def busy(history):
    """Ada's account with what every list has several rows of."""
    reader = Reader("ada")
    grant_ownership(user=reader.user, account_id=ADA)
    history.open(ADA)
    for _ in range(5):
        history.buy(ADA, shares=1)
        history.place(ADA, shares=1)
        history.now += DAY
    project()
    return reader


def pages_of(reader, path, **asked):
    pages, cursor = [], {}
    while cursor is not None:
        answer = reader.get(f"accounts/{ADA}/{path}", limit=2, **asked, **cursor)
        assert answer.status_code == 200, answer.content
        found = answer.json()
        pages.append(found["results"])
        cursor = None if found["next"] is None else {"cursor": found["next"]}
    return pages


@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_read_from_either_end(busy, path):
    newest, oldest = (pages_of(busy, path, order=order) for order in ("newest", "oldest"))
    assert {len(page) for page in newest[:-1]} == {2}
    rows = [row for page in newest for row in page]
    assert len(rows) == (12 if path == "activity" else 5)
    assert [row for page in oldest for row in page] == rows[::-1]
    assert [row[LISTS[path]] for row in rows] == sorted((row[LISTS[path]] for row in rows), reverse=True)


@pytest.mark.parametrize("path", LISTS)
def test_of_a_list_only_the_fields_that_are_asked_for_are_shown(busy, path):
    name = LISTS[path]
    whole, some = (busy.get(f"accounts/{ADA}/{path}", limit=2, **more) for more in ({}, {"fields": f"{name}, {name}"}))
    assert some.json()["results"] == [{name: row[name]} for row in whole.json()["results"]]
    assert some.json()["next"] == whole.json()["next"]
    assert some["ETag"] != whole["ETag"]


def test_of_an_account_only_the_fields_that_are_asked_for_are_shown(busy):
    assert busy.get(f"accounts/{ADA}", fields="version,name").json() == {"version": 12, "name": "Savings"}
    portfolio = busy.get(f"accounts/{ADA}/portfolio", fields="positions").json()
    assert [position["symbol"] for position in portfolio["positions"]] == ["KO"]
    assert list(portfolio) == ["positions"]


@pytest.mark.parametrize(
    ("path", "asked", "message"),
    [
        ("/trades", {"fields": "version,colour"}, "there is no 'colour' here: there are trade_id, version"),
        ("/trades", {"order": "sideways"}, "sideways"),
        ("/trades.csv", {"fields": "version"}, "there is no such parameter here"),
    ],
)
def test_an_end_or_a_field_that_there_is_not_is_refused(busy, path, asked, message):
    answer = busy.get(f"accounts/{ADA}{path}", **asked)
    assert problem(answer) == (400, "BAD_REQUEST")
    assert message in answer.json()["detail"]
