"""Bars over REST and GraphQL: pages of one symbol, a file that can be imported again, and the log in the admin."""

import asyncio
import io
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from identity.api_keys import create_api_key
from identity.models import ApiKey
from market.instruments.csv_file import DEMO_FILE
from market.models import BarImport, DayBar, MinuteBar

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "symbol,at,open,high,low,close,volume"
OPEN = datetime(2019, 3, 4, 14, 30, tzinfo=UTC)
LINES = [
    f"KO,{(OPEN + timedelta(minutes=n)).isoformat()},{45 + n}.5,{46 + n},45.1,45.25,{'' if n else '1000.5'}"
    for n in range(5)
]


@pytest.fixture(autouse=True)
def _bars(tmp_path):
    call_command("import_instruments", str(DEMO_FILE), stdout=io.StringIO())
    path = tmp_path / "bars.csv"
    path.write_text("\n".join([HEADER, *LINES]))
    call_command("import_bars", str(path), "--span", "1m", stdout=io.StringIO())


@pytest.fixture
def headers():
    user = get_user_model().objects.create_user("ada", password="a long password")
    return {"Authorization": f"Bearer {create_api_key(user=user, name='bot')}"}


@pytest.fixture
def get(headers):
    def ask(path="bars", more=None, **parameters):
        parameters = {"from" if name == "begin" else name: value for name, value in parameters.items()}
        return Client().get(f"/api/market/{path}", parameters, headers={**headers, **(more or {})})

    return ask


def minutes(answer):
    return [datetime.fromisoformat(each["at"]).minute for each in answer.json()["results"]]


def test_a_bar_is_shown_as_decimals(get):
    answer = get(symbol="KO", span="1m", order="oldest", limit=1)
    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "at": "2019-03-04T14:30:00.000000Z",
                "open": "45.5000",
                "high": "46.0000",
                "low": "45.1000",
                "close": "45.2500",
                "volume": "1000.5",
                "price_count": None,
                "source": "IMPORTED",
            }
        ],
        "next": "2019-03-04T14:30:00.000000Z",
    }


def test_hours_and_days_are_there_too(get):
    (hour,) = get(symbol="KO", span="1h").json()["results"]
    (day,) = get(symbol="KO").json()["results"]
    assert [hour["at"], hour["open"], hour["high"], hour["volume"]] == [
        "2019-03-04T14:00:00.000000Z",
        "45.5000",
        "50.0000",
        None,
    ]
    assert day["at"] == "2019-03-04T00:00:00.000000Z"


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_have_every_bar_once(get, order):
    seen, cursor = [], {}
    while True:
        answer = get(symbol="KO", span="1m", order=order, limit=2, **cursor)
        seen += minutes(answer)
        if answer.json()["next"] is None:
            break
        cursor = {"cursor": answer.json()["next"]}
    assert seen == ([34, 33, 32, 31, 30] if order == "newest" else [30, 31, 32, 33, 34])


def test_a_time_has_the_bars_that_begin_in_it(get):
    answer = get(symbol="KO", span="1m", begin="2019-03-04T14:31:00Z", to="2019-03-04T14:33:00Z")
    assert minutes(answer) == [32, 31]
    assert answer.json()["next"] is None
    assert minutes(get(symbol="AAPL", span="1m")) == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"])
def test_the_ends_of_time_can_be_asked_for(get, at):
    for order in ("newest", "oldest"):
        is_there = at.startswith("0") == (order == "oldest")
        found = get(symbol="KO", span="1m", order=order, cursor=at)
        assert (found.status_code, len(found.json()["results"])) == (200, 5 if is_there else 0)
        assert get(symbol="KO", begin=at, order=order).status_code == 200
        assert get(symbol="KO", to=at, order=order).status_code == 200
    assert get("bars.csv", symbol="KO", begin=at, to=at).status_code == 200
    assert get("hours", symbol="KO", at=at).status_code == 200
    assert get("clock", at=at).status_code in (200, 400)


def test_who_has_a_page_is_told_so_until_it_changes(get):
    tag = get(symbol="KO", span="1m")["ETag"]
    assert get(symbol="KO", span="1m", more={"If-None-Match": tag}).status_code == 304
    MinuteBar.objects.filter(at=OPEN).update(close=451_001)
    assert get(symbol="KO", span="1m", more={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"symbol": "NONE"}, 404, "no instrument NONE"),
        ({}, 400, "symbol"),
        ({"symbol": "KO", "span": "5m"}, 400, "there are 1m, 1h, 1d"),
        ({"symbol": "KO", "limit": "5001"}, 400, "limit"),
        ({"symbol": "KO", "begin": "2019-03-04"}, 400, "from"),
        ({"symbol": "KO", "cursor": "x"}, 400, "cursor"),
        ({"symbol": "KO", "colour": "red"}, 400, "colour"),
    ],
)
def test_what_cannot_be_answered_is_said(get, asked, status, said):
    answer = get(**asked)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True)
    assert get("bars.csv", symbol="NONE").status_code == 404


def test_nobody_sees_bars_who_is_not_logged_in():
    assert Client().get("/api/market/bars", {"symbol": "KO"}).status_code == 401
    assert Client().get("/api/market/bars.csv", {"symbol": "KO"}).status_code == 401


def test_a_file_can_be_imported_again(get, tmp_path, monkeypatch):
    monkeypatch.setattr("tradingplatform.bars.rest.ROWS_AT_ONCE", 2)
    answer = get("bars.csv", symbol="KO", span="1m")
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"] == 'attachment; filename="bars-KO-1m.csv"'

    async def whole():
        return b"".join([part async for part in answer.streaming_content])

    text = asyncio.run(whole()) if answer.is_async else b"".join(answer.streaming_content)
    lines = text.decode().splitlines()
    assert lines[:2] == [HEADER, "KO,2019-03-04T14:30:00.000000Z,45.5000,46.0000,45.1000,45.2500,1000.5"]
    assert len(lines) == 6
    before = list(MinuteBar.objects.values_list())
    path = tmp_path / "again.csv"
    path.write_bytes(text)
    call_command("import_bars", str(path), "--span", "1m", "--replace", stdout=io.StringIO())
    assert list(MinuteBar.objects.values_list()) == before
    assert BarImport.objects.first().replaced == 5


def test_a_file_ends_when_the_key_is_revoked_that_asked_for_it(get, monkeypatch):
    monkeypatch.setattr("tradingplatform.bars.rest.ROWS_AT_ONCE", 2)
    monkeypatch.setattr("identity.credentials.LOOK_SECONDS", 0)
    answer = get("bars.csv", symbol="KO", span="1m")

    async def sent():
        parts = answer.streaming_content.__aiter__()
        first = await anext(parts)
        await ApiKey.objects.aupdate(revoked_at=timezone.now())
        return first, [part async for part in parts]

    first, rest = async_to_sync(sent)()  # On this thread, whose connection is the test's.
    assert first.decode().splitlines() == [HEADER]
    assert rest == []


def test_the_hours_of_an_exchange_are_shown(get):
    assert get("hours", symbol="KO", at="2019-07-03T16:59:59Z").json() == {
        "symbol": "KO",
        "calendar": "XNYS",
        "at": "2019-07-03T16:59:59.000000Z",
        "is_open": True,
        "day": {
            "date": "2019-07-03",
            "opens_at": "2019-07-03T13:30:00.000000Z",
            "closes_at": "2019-07-03T17:00:00.000000Z",
        },
        "next_open_at": "2019-07-05T13:30:00.000000Z",
        "next_close_at": "2019-07-03T17:00:00.000000Z",
    }
    holiday = get("hours", symbol="KO", at="2019-07-04T15:00:00Z").json()
    assert (holiday["is_open"], holiday["day"]) == (False, None)
    assert get("hours", symbol="KO").json()["next_close_at"] is not None
    assert get("hours", symbol="NONE").status_code == 404


QUERY = """query ($after: String, $symbol: String!, $span: String) {
    bars(symbol: $symbol, span: $span, from: "2019-03-04T14:31:00Z", first: 2, after: $after) {
        nodes { at open volume source } pageInfo { hasNextPage endCursor }
    }
}"""


def test_graphql_has_the_same_pages(headers):
    def ask(**variables):
        body = {"query": QUERY, "variables": {"symbol": "KO", "span": "1m", **variables}}
        return Client().post("/graphql", body, content_type="application/json", headers=headers).json()

    first = ask()["data"]["bars"]
    assert first["nodes"][0] == {
        "at": "2019-03-04T14:34:00.000000Z",
        "open": "49.5000",
        "volume": None,
        "source": "IMPORTED",
    }
    second = ask(after=first["pageInfo"]["endCursor"])["data"]["bars"]
    assert [each["at"][14:16] for each in first["nodes"] + second["nodes"]] == ["34", "33", "32", "31"]
    assert not second["pageInfo"]["hasNextPage"]
    assert ask(symbol="NONE")["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert ask(span="5m")["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert ask(after=first["pageInfo"]["endCursor"], span="1h")["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_the_admin_shows_who_imported_what():
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss", password="a long password"))
    page = client.get("/admin/market/barimport/").content.decode()
    assert "import of bars.csv" in page
    assert DayBar.objects.count() == 1
