"""What is sent is understood or refused with one clear error: nulls, wrong types, figures and texts that are none.

The commands are taken from the schema, so a mutation that is added later is asked the same. Commands are what may be
answered with a refusal; other mutations (those of instruments) have tests of their own.
"""

import json
import uuid

import pytest
from graphql import GraphQLNonNull, get_named_type, is_required_input_field, is_union_type

from accounts.tests.integration.test_graphql import OPEN, Api, events
from tradingplatform.schema import schema

pytestmark = pytest.mark.django_db(transaction=True)

MUTATIONS = {
    name: get_named_type(field.args["input"].type)
    for name, field in schema.graphql_schema.mutation_type.fields.items()
    if "input" in field.args and is_union_type(get_named_type(field.type))
}
GOOD = {
    "amount": "1",
    "limitPrice": "50",
    "maxDailyValue": "1000",
    "maxPositionPercent": "10",
    "maxTradeValue": "1000",
    "name": "Savings",
    "price": "50",
    "priceBandPercent": "10",
    "quantity": 1,
    "reason": "because",
    "side": "BUY",
    "stopLoss": {"stopPrice": "40"},
    "symbol": "KO",
    "takeProfit": {"limitPrice": "60"},
    "type": "LIMIT",
}
"""Values by the name of the field; those that may be left out are left out, unless another needs them."""
SUBMIT_TRADES = "mutation($batch: TradeBatch!) { submitTrades(trades: $batch) { accepted refused outcomes } }"
SUBMIT_ORDERS = "mutation($batch: OrderBatch!) { submitOrders(orders: $batch) { accepted refused outcomes } }"
HUGE = "x" * 100_000
UNSTORABLE = ["a\x00b", "\ud800", HUGE]
WRONG = {
    "ID": [1.5, True, [], {}, ["a"]],
    "String": [5, 1.5, True, {}, ["a", "b"], 10**400],
    "StopLoss": [5, "40", True, [], {"stopPrice": 40}, {"price": "40"}],
    "TakeProfit": [5, "60", True, [], {}, {"limitPrice": 60}, {"limitPrice": "60", "stopPrice": "40"}],
    "Quantity": [1.5, 1e3, True, {}, ["1", "2"], "1.5000000", "1.", "1e3", "NaN", "", "-1", 0, 10**400, HUGE, "١"],
}


@pytest.fixture
def operator(store):
    """Somebody who may send every command."""
    return Api("olga", is_superuser=True)


def query(mutation):
    fields = MUTATIONS[mutation].name
    inside = "__typename ... on Outcome { commandId } ... on CommandRefused { code message }"
    return f"mutation($input: {fields}!) {{ {mutation}(input: $input) {{ {inside} }} }}"


def a_good_input(mutation, account_id, **changes):
    needed = {name for name, field in MUTATIONS[mutation].fields.items() if is_required_input_field(field)}
    if mutation == "placeOrder":
        needed.add("limitPrice")
    values = {**GOOD, "accountId": account_id, "orderId": str(uuid.uuid4())}
    return {name: values[name] for name in needed} | changes


def answer(api, text, **variables):
    """Return the one answer, or the one error, of a request that was answered at all."""
    response = api.client.post(
        "/graphql",
        json.dumps({"query": text, "variables": variables}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}"},
    )
    content = response.json()
    for error in content.get("errors", []):
        assert error["extensions"]["code"] == "BAD_REQUEST", error
        assert 0 < len(error["message"]) < 1_000
    return content


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_an_optional_field_that_is_null_is_as_if_it_were_left_out(operator, mutation):
    def said(given):
        given["accountId"] = operator.open()
        if mutation == "openAccount":
            del given["accountId"]
        result = answer(operator, query(mutation), input=given)["data"][mutation]
        result.pop("commandId")  # Made by the server, and another one each time.
        return result

    for name, field in MUTATIONS[mutation].fields.items():
        if not is_required_input_field(field):
            given = a_good_input(mutation, "")
            given.pop(name, None)
            assert said({**given, name: None}) == said({**given}), name


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_field_of_the_wrong_type_is_one_clear_error(operator, store, mutation):
    account_id = operator.open()
    before = len(events(store))
    for name, field in MUTATIONS[mutation].fields.items():
        kind = get_named_type(field.type).name
        for value in (*WRONG[kind], *(UNSTORABLE if kind != "Quantity" else ())):
            content = answer(operator, query(mutation), input=a_good_input(mutation, account_id, **{name: value}))
            if "errors" not in content:
                refused = content["data"][mutation]
                assert refused["__typename"] == "CommandRefused", (name, value)
                assert refused["code"].startswith("INVALID_") or refused["code"] == "UNKNOWN_SYMBOL", (name, value)
    assert len(events(store)) == before


def test_half_a_surrogate_pair_is_called_by_its_name(operator):
    (error,) = answer(operator, OPEN, input={"name": "\ud800"})["errors"]
    assert "half of a surrogate pair" in error["message"]


@pytest.mark.parametrize("input", [None, [], "x", 5, True, {"stranger": 1}])
def test_what_is_no_input_at_all_is_one_clear_error(operator, input):
    for mutation in MUTATIONS:
        assert answer(operator, query(mutation), input=input)["errors"]


def test_a_field_that_is_missing_or_null_and_needed_is_named(operator):
    for changes in ({"name": None}, {}):
        (error,) = answer(operator, OPEN, input=changes)["errors"]
        assert "name" in error["message"]


ENTRY = {"accountId": "", "symbol": "KO", "side": "BUY", "quantity": 1}
ENTRIES = [
    (SUBMIT_TRADES, {**ENTRY, "price": "50"}, {"orderId", "commandId"}),
    (
        SUBMIT_ORDERS,
        {**ENTRY, "type": "LIMIT", "limitPrice": "50"},
        {"timeInForce", "stopPrice", "clientOrderId"},
    ),
]


@pytest.mark.parametrize(("text", "entry", "optional"), ENTRIES)
class TestBatches:
    def test_an_optional_field_that_is_null_is_as_if_it_were_left_out(self, operator, text, entry, optional):
        entry = {**entry, "accountId": operator.open()}
        batch = [entry, {**entry, **dict.fromkeys(optional)}, *({**entry, name: None} for name in optional)]
        ((_, submitted),) = answer(operator, text, batch=batch)["data"].items()
        assert (submitted["accepted"], submitted["refused"]) == (len(batch), 0)

    def test_a_wrong_entry_is_refused_alone(self, operator, store, text, entry, optional):
        entry = {**entry, "accountId": operator.open()}
        before = len(events(store))
        values = [5, 1.5, True, [], {}, "a\x00b", HUGE, 10**300, 10**400, -(2**70)]
        wrong = [{**entry, name: value} for name in (*entry, *optional) for value in values]
        wrong = [each for each in wrong if each["quantity"] != 5]
        wrong += [{**entry, "quantity": value} for value in ("1.5000000", "1.", ".5", "", "1e3", 0, "0.0", -1, None)]
        wrong += [None, 5, [], "x", {}, {**entry, "stranger\x00": 1}]
        for start in range(0, len(wrong), 20):
            some = wrong[start : start + 20]
            ((_, submitted),) = answer(operator, text, batch=[*some, entry])["data"].items()
            assert (submitted["accepted"], submitted["refused"]) == (1, len(some)), submitted
            *refused, booked = submitted["outcomes"]
            assert all(outcome["code"].startswith(("INVALID_", "UNKNOWN_")) for outcome in refused)
            assert "code" not in booked
        assert len(events(store)) == before + (len(wrong) + 19) // 20

    def test_a_number_that_no_computer_holds_is_refused_alone(self, operator, text, entry, optional):
        entry = json.dumps({**entry, "accountId": operator.open()})
        batch = f"[{entry}, {entry.replace('1,', '1e999,', 1)}]"
        assert "1e999" in batch
        body = f'{{"query": {json.dumps(text)}, "variables": {{"batch": {batch}}}}}'
        headers = {"Authorization": f"Bearer {operator.key}"}
        content = operator.client.post("/graphql", body, content_type="application/json", headers=headers).json()
        ((_, submitted),) = content["data"].items()
        assert (submitted["accepted"], submitted["refused"]) == (1, 1)

    @pytest.mark.parametrize("batch", [[], {}, "x", 5, None])
    def test_what_is_no_batch_is_one_clear_error(self, operator, text, entry, optional, batch):
        assert answer(operator, text, batch=batch)["errors"]

    def test_a_quantity_is_given_as_a_decimal_or_as_a_whole_number(self, operator, text, entry, optional):
        entry = {**entry, "accountId": operator.open()}
        batch = [{**entry, "quantity": quantity} for quantity in (1, "1", "0001", "0.5", "2.500000")]
        ((_, submitted),) = answer(operator, text, batch=batch)["data"].items()
        assert submitted["accepted"] == 5


def test_an_optional_argument_of_a_query_that_is_null_is_as_if_it_were_left_out(operator):
    account_id = operator.open()
    the_account = f'id: "{account_id}"'
    given = {
        "accounts": "",
        "bars": 'symbol: "KO"',
        "corporateActions": "",
        "instruments": "",
        "viewer": "",
        "accountWhatIf": f'{the_account} limits: {{maxTradeValue: "1"}}',
    }

    def said(field, more):
        arguments = f"{given.get(field, the_account)} {more}".strip()
        arguments = f"({arguments})" if arguments else ""
        content = operator.post(f"{{ {field}{arguments} {{ __typename }} }}").json()
        assert {error["extensions"]["code"] for error in content.get("errors", [])} <= {"NOT_FOUND"}, content
        return content["data"]

    asked = [
        (name, argument)
        for name, field in schema.graphql_schema.query_type.fields.items()
        for argument, made in field.args.items()
        if not isinstance(made.type, GraphQLNonNull)
    ]
    assert len(asked) > 15
    for name, argument in asked:
        assert said(name, f"{argument}: null") == said(name, ""), (name, argument)


def test_no_figure_of_the_schema_has_32_bits():
    """What is left of Int are sizes of pages, which have limits of their own."""
    found = {
        (named.name, name, argument)
        for named in schema.graphql_schema.type_map.values()
        if hasattr(named, "fields") and not named.name.startswith("__")
        for name, field in named.fields.items()
        for argument, made in (("", field), *getattr(field, "args", {}).items())
        if get_named_type(made.type).name == "Int"
    }
    assert {argument for _, _, argument in found} == {"first", "limit"}
