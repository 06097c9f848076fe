"""Instruments over GraphQL: everybody looks, operators change, and each change is recorded."""

import pytest

from accounts.tests.integration.test_graphql import Api
from identity.api_keys import create_api_key
from identity.permissions import COMPLIANCE, OPERATOR, VIEWER, give_role
from market.instruments.changes import stored_definitions
from market.models import Instrument, InstrumentChange
from tests.services.instruments import DEMO_SYMBOLS, held, instrument

pytestmark = pytest.mark.django_db(transaction=True)

SHOWN = """instrument { symbol name kind sector exchange currency priceIncrement lotSize isTradable isHalted }
  isChanged"""
SAVE = f"mutation($input: SaveInstrumentInput!) {{ saveInstrument(input: $input) {{ {SHOWN} }} }}"
HALT = f"mutation($input: HaltInstrumentInput!) {{ haltInstrument(input: $input) {{ {SHOWN} }} }}"
RESUME = f"mutation($input: HaltInstrumentInput!) {{ resumeInstrument(input: $input) {{ {SHOWN} }} }}"
PAGE = """query($search: String, $first: Int, $after: String) {
  instruments(search: $search, first: $first, after: $after) {
    nodes { symbol } pageInfo { hasNextPage endCursor } } }"""
NEW = {
    "symbol": "BTC-USD",
    "name": "Bitcoin",
    "kind": "CRYPTO",
    "sector": "",
    "exchange": "COINBASE",
    "currency": "USD",
    "priceIncrement": "0.01",
    "lotSize": "0.000001",
    "reason": "listed",
}


@pytest.fixture
def olga(store):
    made = Api("olga")
    give_role(made.user, OPERATOR)
    return made


@pytest.fixture
def store(tmp_path):
    """None is needed."""


def error(api, query, **input):
    (found,) = api.post(query, input).json()["errors"]
    return found["extensions"]["code"], found["message"]


def page(api, **variables):
    body = {"query": PAGE, "variables": variables}
    answer = api.client.post(
        "/graphql", body, content_type="application/json", headers={"Authorization": f"Bearer {api.key}"}
    ).json()
    assert "errors" not in answer, answer
    found = answer["data"]["instruments"]
    return [node["symbol"] for node in found["nodes"]], found["pageInfo"]


def test_an_operator_adds_and_changes_an_instrument(olga):
    saved = olga.run(SAVE, **NEW)
    assert saved["isChanged"] is True
    assert saved["instrument"] == {
        **{name: value for name, value in NEW.items() if name != "reason"},
        "priceIncrement": "0.0100",
        "isTradable": True,
        "isHalted": False,
    }
    changed = olga.run(SAVE, symbol="BTC-USD", lotSize="1", isTradable=False, reason="delisted")
    assert (changed["instrument"]["lotSize"], changed["instrument"]["isTradable"]) == ("1", False)
    assert changed["instrument"]["name"] == "Bitcoin"
    recorded = [(change.reason, change.actor) for change in InstrumentChange.objects.order_by("id")]
    actor = f"user:{olga.user.pk}/olga/key:1/bot"
    assert [(reason, found.split("/key:")[0]) for reason, found in recorded] == [
        ("listed", actor.split("/key:")[0]),
        ("delisted", actor.split("/key:")[0]),
    ]


def test_what_is_that_already_is_not_recorded_again(olga):
    olga.run(SAVE, **NEW)
    assert olga.run(SAVE, **NEW)["isChanged"] is False
    assert InstrumentChange.objects.count() == 1


def test_an_instrument_is_halted_and_resumed(olga):
    olga.run(SAVE, **NEW)
    assert olga.run(HALT, symbol="BTC-USD", reason="news")["instrument"]["isHalted"] is True
    assert olga.run(HALT, symbol="BTC-USD", reason="news")["isChanged"] is False
    assert stored_definitions(["BTC-USD"])["BTC-USD"].is_halted
    assert olga.run(RESUME, symbol="BTC-USD", reason="over")["instrument"]["isHalted"] is False
    assert [change.reason for change in InstrumentChange.objects.order_by("id")] == ["listed", "news", "over"]


@pytest.mark.parametrize("mutation", [SAVE, HALT, RESUME])
@pytest.mark.parametrize("role", [None, VIEWER, COMPLIANCE])
def test_nobody_else_changes_one(store, mutation, role):
    bob = Api("bob")
    if role is not None:
        give_role(bob.user, role)
    fields = NEW if mutation == SAVE else {"symbol": "BTC-USD", "reason": "news"}
    code, message = error(bob, mutation, **fields)
    assert code == "FORBIDDEN"
    assert role == VIEWER or "this needs operator or superuser" in message
    assert Instrument.objects.count() == 0


def test_a_key_for_reading_changes_nothing(olga):
    olga.key = create_api_key(user=olga.user, name="reader", scope="read")
    assert error(olga, HALT, symbol="BTC-USD", reason="news")[0] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"symbol": "btc"}, "INVALID_INSTRUMENT", "a symbol is 1 to 12"),
        ({"lotSize": "0"}, "INVALID_INSTRUMENT", "a lot size is plain digits"),
        ({"priceIncrement": "1e-2"}, "INVALID_INSTRUMENT", "a price increment is plain digits"),
        ({"kind": "OPTION"}, "INVALID_INSTRUMENT", "a kind is one of"),
        ({"name": None}, "INVALID_INSTRUMENT", "BTC-USD is new, and a new instrument needs its name"),
        ({"reason": " "}, "BAD_REQUEST", "a reason is 1 to 140"),
    ],
)
def test_what_is_wrong_is_one_clear_error(olga, changes, code, said):
    found, message = error(olga, SAVE, **{**NEW, **changes})
    assert (found, message[: len(said)]) == (code, said)
    assert Instrument.objects.count() == 0


def test_an_instrument_that_there_is_not_is_not_halted(olga):
    assert error(olga, HALT, symbol="NOPE", reason="news") == (
        "NOT_FOUND",
        "there is no instrument NOPE: nothing was changed",
    )


def test_everybody_looks_page_by_page(store):
    ada = Api("ada")
    seen, cursor = [], None
    while True:
        symbols, info = page(ada, first=7, after=cursor)
        seen += symbols
        if not info["hasNextPage"]:
            break
        cursor = info["endCursor"]
    assert seen == list(DEMO_SYMBOLS)
    assert page(ada, search="coca")[0] == ["KO"]
    with held(instrument("GONE", is_tradable=False)):
        assert page(ada, search="gone")[0] == ["GONE"]


def test_whoever_is_not_logged_in_does_not_look(store):
    ada = Api("ada")
    ada.key = "wrong"
    assert error(ada, "{ instruments { nodes { symbol } } }")[0] == "UNAUTHENTICATED"


def test_a_cursor_that_is_none_is_refused(store):
    (found,) = Api("ada").post('{ instruments(after: "x") { nodes { symbol } } }').json()["errors"]
    assert found["extensions"]["code"] == "BAD_REQUEST"


def test_a_page_of_ten_thousand_is_as_any(store):
    ada = Api("ada")
    with held(*(instrument(f"S{number:05d}") for number in range(10_000))):
        symbols, info = page(ada, search="s09", first=500)
        assert (symbols[0], len(symbols), info["hasNextPage"]) == ("S09000", 500, True)
        assert page(ada, search="S09", first=500, after=info["endCursor"])[0][-1] == "S09999"
