"""The kill switch ends everything that it is asked for and nothing else; who may use it; what it says."""

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from accounts.domain.commands import CancelOrder, DepositCash, FreezeAccount, OpenAccount
from accounts.domain.events import OrderCancelled
from accounts.tests.integration.test_graphql import Api
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from identity.actors import user_reference
from identity.models import AccountAccess
from identity.permissions import COMPLIANCE, OPERATOR, give_role
from readmodels.tests.conftest import ADA, BOB, ZOE, history, project
from tradingplatform.kill_switch import cancelling

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["history"]
CANCEL_ALL = """mutation($input: CancelAllOrdersInput!) { cancelAllOrders(input: $input) {
  cancelled endedBefore failures { code orders } isComplete } }"""


@pytest.fixture
def firm(history, monkeypatch):
    """Ada has two accounts, Zoe one; each has two orders for KO and one for PG."""
    monkeypatch.setattr(cancelling, "ROUND_PAUSE_SECONDS", 0.01)
    set_bus_factory(lambda: InProcessBus(history.writer))
    history.ada, history.zoe = Api("ada"), Api("zoe")
    history.orders = {}
    for account_id, owner in ((ADA, history.ada), (BOB, history.ada), (ZOE, history.zoe)):
        opening = OpenAccount(user_reference(owner.user.pk), "Savings", "USD")
        history.execute(account_id, opening, DepositCash(1_000_000_000, "first"))
        AccountAccess.objects.create(user=owner.user, account_id=account_id, role="owner")
        history.orders[account_id] = [history.place(account_id, symbol=symbol) for symbol in ("KO", "PG", "KO")]
    project()
    return history


def working(firm, account_id):
    return set(firm.writer.state(account_id)[0].orders)


def left(firm):
    return [len(working(firm, account_id)) for account_id in (ADA, BOB, ZOE)]


def cancel(api, **input):
    return api.run(CANCEL_ALL, **{"reason": "a runaway program", **input})


def test_an_owner_ends_the_orders_of_one_account(firm):
    done = cancel(firm.ada, accountId=ADA)
    assert done == {"cancelled": 3, "endedBefore": 0, "failures": [], "isComplete": True}
    assert left(firm) == [0, 3, 3]
    ended = [each for each in firm.store.events(ADA) if isinstance(each.data, OrderCancelled)]
    assert {each.data.reason for each in ended} == {"a runaway program"}
    assert {each.actor.split("/")[0] for each in ended} == {user_reference(firm.ada.user.pk)}
    assert firm.writer.state(ADA)[0].reserved_cash == 0


@pytest.mark.parametrize(
    ("scope", "expected"),
    [({"username": "ada"}, [0, 0, 3]), ({"symbol": "KO"}, [1, 1, 1]), ({"everybody": True}, [0, 0, 0])],
)
@pytest.mark.parametrize("role", [OPERATOR, COMPLIANCE])
def test_operators_and_compliance_end_those_of_a_user_a_symbol_and_the_firm(firm, role, scope, expected):
    officer = Api("olga")
    give_role(officer.user, role)
    done = cancel(officer, **scope)
    assert (done["cancelled"], done["isComplete"]) == (9 - sum(expected), True)
    assert left(firm) == expected


def test_a_frozen_account_is_emptied_too_and_what_had_ended_is_said(firm):
    firm.execute(ADA, CancelOrder(firm.orders[ADA][0], "by hand"), FreezeAccount("look into it"))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["endedBefore"], done["failures"]) == (2, 1, [])


def test_orders_that_come_while_it_runs_are_found(firm, monkeypatch):
    monkeypatch.setattr(cancelling, "ORDERS_AT_ONCE_MAX", 2)
    late = []

    class Bus(InProcessBus):
        def submit(self, envelopes):
            if len(late) < 3:
                late.append(firm.place(ADA, symbol="KO", price=100_000))
                project()
            return super().submit(envelopes)

    set_bus_factory(lambda: Bus(firm.writer))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["isComplete"]) == (6, True)
    assert left(firm) == [0, 3, 3]


def test_who_may_not_is_told_what_it_needs_and_nothing_is_cancelled(firm):
    for scope in ({"username": "ada"}, {"symbol": "KO"}, {"everybody": True}, {"accountId": ZOE}):
        answer = firm.ada.post(CANCEL_ALL, {"reason": "x", **scope}).json()
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN", scope
    assert left(firm) == [3, 3, 3]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "found none"),
        ({"symbol": "KO", "everybody": True}, "found symbol, everybody"),
        ({"everybody": False}, "found none"),
        ({"symbol": "KO", "reason": ""}, "say why"),
        ({"accountId": "mine"}, "lower-case UUID"),
    ],
)
def test_a_question_that_is_not_clear_is_refused(firm, given, message):
    answer = firm.ada.post(CANCEL_ALL, {"reason": "x", **given}).json()
    assert message in answer["errors"][0]["message"]
    assert left(firm) == [3, 3, 3]


def test_a_user_that_there_is_not(firm):
    officer = Api("olga")
    give_role(officer.user, OPERATOR)
    assert officer.error(CANCEL_ALL, username="nobody", reason="x") == "NOT_FOUND"


def test_the_command_asks_first_and_says_what_it_did(firm, capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(CommandError, match="nothing was cancelled"):
        call_command("cancel_orders", "--user", "ada", "--reason", "drill")
    assert left(firm) == [3, 3, 3]
    monkeypatch.setattr("builtins.input", lambda _: "y")
    call_command("cancel_orders", "--user", "ada", "--reason", "drill")
    assert "6 cancelled, 0 had ended before" in capsys.readouterr().out
    assert left(firm) == [0, 0, 3]
    with pytest.raises(CommandError, match="no user"):
        call_command("cancel_orders", "--user", "adam", "--reason", "drill")
    get_user_model().objects.get(username="zoe").delete()
    call_command("cancel_orders", "--everybody", "--yes", "--reason", "drill")
    assert left(firm) == [0, 0, 0]
