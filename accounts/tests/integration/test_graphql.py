"""Commands over GraphQL: answers, refusals, errors of the platform, and who may send what."""

import gc
import json
import time

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from identity.api_keys import check_api_key, create_api_key
from identity.models import AccountAccess, ApiKey
from identity.permissions import INTEGRATOR, give_role
from identity.recent_access import ACCESS_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = """mutation($input: OpenAccountInput!) { openAccount(input: $input) { __typename
  ... on AccountOpened { accountId version commandId name currency }
  ... on CommandRefused { code message version commandId } } }"""
DEPOSIT = """mutation($input: DepositCashInput!) { depositCash(input: $input) { __typename
  ... on CashDeposited { accountId version amount cashAfter }
  ... on CommandRefused { code message version } } }"""
TRADE = """mutation($input: ExecuteTradeInput!) { executeTrade(input: $input) { __typename
  ... on TradeExecuted { accountId version commandId tradeId symbol side quantity price value fee realizedPnl cashAfter
    positionQuantity executedAt }
  ... on CommandRefused { code message limit actual accountId version commandId } } }"""
FREEZE = """mutation($input: FreezeAccountInput!) { freezeAccount(input: $input) { __typename
  ... on AccountFrozen { version reason } ... on CommandRefused { code } } }"""
LIMITS = """mutation($input: ChangeRiskLimitsInput!) { changeRiskLimits(input: $input) { __typename
  ... on RiskLimitsChanged { maxPositionPercent maxDailyValue maxTradeValue priceBandPercent }
  ... on CommandRefused { code } } }"""

FEES = """mutation($input: ChangeFeeScheduleInput!) { changeFeeSchedule(input: $input) { __typename
  ... on FeeScheduleChanged { version perOrder perShare percent minimum }
  ... on CommandRefused { code message version } } }"""


class Api:
    """GraphQL as a program uses it; of a user with a role on the platform, or without one."""

    def __init__(self, username, *, role=None, **flags):
        self.user = get_user_model().objects.create_user(username, password="a long password", **flags)
        if role is not None:
            give_role(self.user, role)
        self.key = create_api_key(user=self.user, name="bot")
        self.client = Client(enforce_csrf_checks=True)

    def post(self, query, input=None, key=None, **headers):
        body = {"query": query, "variables": {"input": input}}
        headers = {"Authorization": f"Bearer {key or self.key}", **headers}
        return self.client.post("/graphql", json.dumps(body), content_type="application/json", headers=headers)

    def run(self, query, **input):
        answer = self.post(query, input).json()
        assert "errors" not in answer, answer
        ((_, result),) = answer["data"].items()
        return result

    def error(self, query, **input):
        (error,) = self.post(query, input).json()["errors"]
        return error["extensions"]["code"]

    def open(self, cash="100000", **input):
        account_id = self.run(OPEN, name="Savings", **input)["accountId"]
        self.run(DEPOSIT, accountId=account_id, amount=cash)
        return account_id


@pytest.fixture
def ada(store):
    return Api("ada", role=INTEGRATOR)


def events(store):
    return [
        (commit, event)
        for partition in range(store.partition_count)
        for batch in store.read_batches(partition=partition, after_seq=0, limit=1_000)
        for commit in batch.commits
        for event in commit.events
    ]


def test_the_whole_way_of_a_trade(ada, store):
    account_id = ada.open()
    trade = ada.run(TRADE, accountId=account_id, symbol="KO", side="BUY", quantity=10, price="50.5", commandId="t-1")
    assert trade["__typename"] == "TradeExecuted"
    assert (trade["version"], trade["commandId"]) == (3, "t-1")
    assert (trade["quantity"], trade["value"], trade["fee"]) == ("10", "505.0000", "0.0000")
    assert (trade["cashAfter"], trade["positionQuantity"]) == ("99495.0000", "10")
    (commit, event) = events(store)[-1]
    assert (commit.command_id, commit.event_ids) == ("t-1", (trade["tradeId"],))
    assert commit.actor == f"user:{ada.user.pk}/ada/key:{ApiKey.objects.get().pk}/bot"
    assert (event.symbol, event.price) == ("KO", 505_000)
    assert trade["executedAt"].endswith("Z")


def test_parts_of_shares_are_traded_as_decimals(ada, store):
    account_id = ada.open()
    trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "price": "50.0001"}
    bought = ada.run(TRADE, **trade, quantity="2.500000")
    assert (bought["quantity"], bought["positionQuantity"], bought["value"]) == ("2.5", "2.5", "125.0002")
    sold = ada.run(TRADE, **{**trade, "side": "SELL"}, quantity="0.000001")
    assert (sold["quantity"], sold["positionQuantity"], sold["value"]) == ("0.000001", "2.499999", "0.0001")
    ((_, first), (_, second)) = events(store)[-2:]
    assert (first.quantity, first.value, first.fee) == (2_500_000, 1_250_002, 0)
    assert (second.quantity, second.value, second.fee, second.position_quantity) == (1, 1, 0, 2_499_999)
    refused = ada.run(TRADE, **{**trade, "side": "SELL"}, quantity="2.5")
    assert (refused["code"], refused["limit"], refused["actual"]) == ("INSUFFICIENT_POSITION", "2.499999", "2.5")
    refused = ada.run(TRADE, **{**trade, "price": "0.4999"}, quantity="0.000001")
    assert (refused["code"], refused["limit"], refused["actual"]) == ("VALUE_TOO_SMALL", "0.0001", "0.0000")


def test_trades_are_charged_by_the_schedule_that_was_set(ada, store):
    account_id = ada.open()
    trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 10, "price": "50"}
    officer = Api("officer", is_staff=True)
    changed = officer.run(FEES, accountId=account_id, perOrder="1", percent="0.10", minimum=None)
    assert changed.pop("version") == 3
    assert changed == {
        **{"__typename": "FeeScheduleChanged", "perOrder": "1.0000", "perShare": "0.0000", "percent": "0.10"},
        "minimum": "0.0000",
    }
    bought = ada.run(TRADE, **trade)
    assert (bought["value"], bought["fee"], bought["cashAfter"]) == ("500.0000", "1.5000", "99498.5000")
    (_, event) = events(store)[-1]
    assert (event.fee, event.total_fees, event.position_cost) == (15_000, 15_000, 5_015_000)
    refused = officer.run(FEES, accountId=account_id, perOrder="-1")
    assert (refused["code"], refused["version"]) == ("INVALID_FEE", None)


def test_a_position_may_be_larger_than_32_bits(ada):
    account_id = ada.open("300000")
    officer = Api("officer", is_staff=True)
    limits = {
        "maxPositionPercent": "100",
        "maxDailyValue": "1000000",
        "maxTradeValue": "1000000",
        "priceBandPercent": "10",
    }
    officer.run(LIMITS, accountId=account_id, **limits)
    trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": "1000000000", "price": "0.0001"}
    held = [ada.run(TRADE, **trade)["positionQuantity"] for _ in range(3)]
    assert held == ["1000000000", "2000000000", "3000000000"]


def test_an_answer_says_whether_it_was_given_before(ada):
    account_id = ada.open()
    query = DEPOSIT.replace("__typename", "__typename ... on Outcome { duplicate }")
    deposit = {"accountId": account_id, "amount": "1", "commandId": "once"}
    assert [ada.run(query, **deposit)["duplicate"] for _ in range(2)] == [False, True]
    assert ada.run(query, **{**deposit, "amount": "x"})["duplicate"] is False


def test_a_refusal_is_an_answer_with_its_figures(ada):
    account_id = ada.open("1000")
    refused = ada.run(TRADE, accountId=account_id, symbol="KO", side="BUY", quantity=10, price="50")
    assert refused["__typename"] == "CommandRefused"
    assert (refused["code"], refused["limit"], refused["actual"]) == ("POSITION_LIMIT_EXCEEDED", "100.0000", "500.0000")
    assert refused["version"] == 3
    refused = ada.run(TRADE, accountId=account_id, symbol="KO", side="SELL", quantity=10, price="50")
    assert (refused["code"], refused["limit"], refused["actual"]) == ("INSUFFICIENT_POSITION", "0", "10")


def test_commands_of_one_document_go_one_after_the_other_and_none_after_one_that_fails(ada, store, recwarn):
    account_id = ada.open("100")
    other = Api("bob").open("1")
    deposit = '{{ accountId: "{}", amount: "{}", commandId: "{}" }}'
    shown = "... on CashDeposited { version cashAfter }"

    def field(alias, *values):
        return f"{alias}: depositCash(input: {deposit.format(*values)}) {{ {shown} }}"

    both = ada.post(f"mutation {{ {field('a', account_id, '1', 'one')} {field('b', account_id, '4', 'two')} }}").json()
    assert [each["cashAfter"] for each in both["data"].values()] == ["101.0000", "105.0000"]
    failed = ada.post(f"mutation {{ {field('a', other, '1', 'x')} {field('b', account_id, '9', 'y')} }}").json()
    assert (failed["data"], failed["errors"][0]["extensions"]["code"]) == (None, "FORBIDDEN")
    assert ada.run(DEPOSIT, accountId=account_id, amount="1")["cashAfter"] == "106.0000"
    gc.collect()
    assert [str(each.message) for each in recwarn if "never awaited" in str(each.message)] == []


def test_malformed_input_is_refused_and_not_recorded(ada, store):
    account_id = ada.open()
    before = len(events(store))
    for field, value, code in (
        ("price", "1e3", "INVALID_PRICE"),
        ("quantity", 0, "INVALID_QUANTITY"),
        ("quantity", "0.0000001", "INVALID_QUANTITY"),
        ("symbol", "ko", "UNKNOWN_SYMBOL"),
        ("side", "buy", "INVALID_SIDE"),
        ("commandId", "a b", "INVALID_COMMAND_ID"),
        ("accountId", "7", "INVALID_ACCOUNT_ID"),
    ):
        trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "50", field: value}
        refused = ada.run(TRADE, **trade)
        assert (refused["code"], refused["version"]) == (code, None)
    assert len(events(store)) == before


def test_the_same_command_id_gives_the_first_result_again(ada, store):
    account_id = ada.open()
    trade = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "50", "commandId": "once"}
    assert ada.run(TRADE, **trade) == ada.run(TRADE, **trade)
    assert len(events(store)) == 3
    assert ada.run(OPEN, name="A", commandId="o") == ada.run(OPEN, name="A", commandId="o")
    assert len(events(store)) == 4


class TestAccess:
    def test_nobody_without_a_login_may_do_anything(self, ada, store):
        answer = Client().post("/graphql", json.dumps({"query": "{ viewer { username } }"}), "application/json")
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert ada.post(OPEN, {"name": "x"}, key="tp_000000000000_" + "x" * 43).json()["errors"]
        assert events(store) == []

    def test_others_may_not_touch_an_account(self, ada, store):
        account_id = ada.open()
        eve = Api("eve")
        before = len(events(store))
        assert eve.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"
        assert eve.error(TRADE, accountId=account_id, symbol="KO", side="BUY", quantity=1, price="1") == "FORBIDDEN"
        assert len(events(store)) == before

    @pytest.mark.parametrize(("role", "is_allowed"), [("trader", True), ("viewer", False)])
    def test_roles_that_were_given_count(self, ada, role, is_allowed):
        account_id = ada.open()
        bob = Api("bob")
        AccountAccess.objects.create(user=bob.user, account_id=account_id, role=role)
        answer = bob.post(DEPOSIT, {"accountId": account_id, "amount": "1"}).json()
        assert ("errors" not in answer) == is_allowed

    def test_only_staff_may_freeze_and_change_limits(self, ada):
        account_id = ada.open()
        limits = {"maxPositionPercent": "20", "maxDailyValue": "10", "maxTradeValue": "5", "priceBandPercent": "10"}
        assert ada.error(FREEZE, accountId=account_id, reason="x") == "FORBIDDEN"
        assert ada.error(LIMITS, accountId=account_id, **limits) == "FORBIDDEN"
        officer = Api("officer", is_staff=True)
        assert officer.run(LIMITS, accountId=account_id, **limits)["maxPositionPercent"] == "20.00"
        assert ada.error(FEES, accountId=account_id, perOrder="0") == "FORBIDDEN"
        assert officer.run(FEES, accountId=account_id, perShare="0.01")["perShare"] == "0.0100"
        assert officer.run(FREEZE, accountId=account_id, reason="audit")["reason"] == "audit"
        assert ada.run(DEPOSIT, accountId=account_id, amount="1")["code"] == "ACCOUNT_NOT_ACTIVE"
        assert officer.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"

    def test_an_account_belongs_to_who_opened_it(self, ada):
        account_id = ada.open()
        access = AccountAccess.objects.get(account_id=account_id)
        assert (access.user, access.role) == (ada.user, "owner")

    def test_a_revoked_key_is_worthless_and_keys_are_hashed(self, ada):
        stored = ApiKey.objects.get(user=ada.user)
        assert ada.key.split("_", 2)[2] not in str(vars(stored))
        assert check_api_key(ada.key) == stored
        ApiKey.objects.update(revoked_at="2026-01-01T00:00:00Z")
        assert ada.error(OPEN, name="x") == "UNAUTHENTICATED"

    def test_a_key_that_is_revoked_while_it_is_used_is_worthless_within_a_second(self, ada):
        account_id = ada.open()
        ada.run(DEPOSIT, accountId=account_id, amount="1")
        ApiKey.objects.update(revoked_at="2026-01-01T00:00:00Z")
        time.sleep(ACCESS_SECONDS)
        assert ada.error(DEPOSIT, accountId=account_id, amount="1") == "UNAUTHENTICATED"

    def test_a_role_that_is_taken_away_counts_within_a_second(self, ada):
        account_id = ada.open()
        ada.run(DEPOSIT, accountId=account_id, amount="1")
        AccountAccess.objects.all().delete()
        time.sleep(ACCESS_SECONDS)
        assert ada.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"

    @pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer   ", "bEaReR "])
    def test_the_case_of_the_scheme_and_more_spaces_do_not_matter(self, ada, scheme):
        for _ in range(2):  # Looked up, and remembered.
            answer = ada.post(OPEN, {"name": "x"}, Authorization=f"{scheme}{ada.key}").json()
            assert answer["data"]["openAccount"]["__typename"] == "AccountOpened"

    @pytest.mark.parametrize("header", ["Bearer", "bearer ", "Bearer tp_x", "Bearer tp_x tp_y"])
    def test_a_scheme_without_a_key_that_is_one_is_a_wrong_key(self, ada, header):
        browser = Client()
        browser.force_login(ada.user)
        body = json.dumps({"query": "{ viewer { username } }"})
        answer = browser.post("/graphql", body, "application/json", headers={"Authorization": header}).json()
        assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert browser.get("/api/accounts", headers={"Authorization": header}).status_code == 401

    def test_a_session_needs_its_csrf_token(self, ada):
        browser = Client(enforce_csrf_checks=True)
        token = browser.get("/api/session").json()["csrf_token"]
        login = {"username": "ada", "password": "a long password"}
        assert browser.post("/api/session", login, "application/json").status_code == 403
        session = browser.post("/api/session", login, "application/json", headers={"X-CSRFToken": token}).json()
        assert session["user"]["username"] == "ada"
        body = json.dumps({"query": OPEN, "variables": {"input": {"name": "x"}}})
        refused = browser.post("/graphql", body, "application/json").json()
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        headers = {"X-CSRFToken": session["csrf_token"]}
        opened = browser.post("/graphql", body, "application/json", headers=headers).json()
        assert opened["data"]["openAccount"]["__typename"] == "AccountOpened"
        assert browser.delete("/api/session", headers=headers).status_code == 204
        assert browser.get("/api/session").json()["user"] is None

    def test_a_wrong_password_is_a_401_with_a_code(self, ada):
        browser = Client()
        answer = browser.post("/api/session", {"username": "ada", "password": "wrong"}, "application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_CREDENTIALS")
        assert answer["Content-Type"] == "application/problem+json"


class TestEndpoint:
    def test_a_get_is_refused_with_the_way_to_go(self):
        answer = Client().get("/graphql")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        "body", ["", "{", "[]", '{"query": 7}', '{"query": "{ nothing }"}', '{"query": "{"}', '{"query": ""}']
    )
    def test_a_bad_request_is_one_clear_error_with_a_code(self, body):
        answer = Client().post("/graphql", body, "application/json")
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert error["message"]

    def test_deep_and_long_queries_are_refused(self):
        deep = "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }"
        for query in ("query { viewer { username } } #" + "x" * 20_000, deep):
            answer = Client().post("/graphql", json.dumps({"query": query}), "application/json")
            assert answer.status_code == 400

    @pytest.mark.parametrize("query", ["{ __schema { queryType { name } } }", '{ __type(name: "Account") { name } }'])
    def test_introspection_can_be_switched_off(self, settings, query):
        settings.GRAPHQL_INTROSPECTION = False
        answer = Client().post("/graphql", json.dumps({"query": query}), "application/json")
        assert answer.status_code == 400
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "INTROSPECTION_DISABLED"

    def test_without_introspection_an_answer_still_says_what_it_is(self, ada, settings):
        settings.GRAPHQL_INTROSPECTION = False
        assert ada.run(OPEN, name="Savings")["__typename"] == "AccountOpened"
        assert ada.post("{ __typename }").json() == {"data": {"__typename": "Query"}}

    @pytest.mark.parametrize(
        ("query", "input", "name"),
        [
            ("{ viewe { username } }", None, "viewer"),
            ("{ viewer { usernam } }", None, "username"),
            ("{ viewer }", None, "{ ... }"),
            ("{ accounts(frist: 1) { nodes { name } } }", None, "first"),
            ('mutation { openAccount(input: {name: "x", currenc: "USD"}) { __typename } }', None, "currency"),
            (
                "mutation($input: OpenAccountInpu!) { openAccount(input: $input) { __typename } }",
                None,
                "OpenAccountInput",
            ),
            (OPEN, {"name": "x", "currenc": "USD"}, "currency"),
            ("{ viewer { ... on Viewe { username } } }", None, "Viewer"),
        ],
    )
    def test_without_introspection_no_error_names_what_was_not_asked_for(self, ada, settings, query, input, name):
        def message():
            return " ".join(error["message"] for error in ada.post(query, input).json()["errors"])

        assert "Did you mean" in message()
        settings.GRAPHQL_INTROSPECTION = False
        assert "Did you mean" not in message()
        assert f"'{name}'" not in message()
