"""The kill switch ends everything that it is asked for and nothing else; who may use it; what it says."""

import threading
import time
import uuid
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from accounts.domain.commands import CancelOrder, DepositCash, FreezeAccount, OpenAccount
from accounts.domain.events import OrderCancelled
from accounts.tests.integration.test_graphql import Api
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.envelope import NotExecuted
from identity.actors import user_reference
from identity.models import AccountAccess
from identity.permissions import COMPLIANCE, OPERATOR, give_role
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.tasks import project_once
from readmodels.tests.conftest import ADA, BOB, ZOE, history, project
from tradingplatform.kill_switch import cancelling, recorded, runs
from tradingplatform.kill_switch.models import KillSwitchRun

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["history"]
CANCEL_ALL = """mutation($input: CancelAllOrdersInput!) { cancelAllOrders(input: $input) {
  cancelled endedBefore failures { code orders } isBehind isComplete } }"""


@pytest.fixture
def firm(history, monkeypatch):
    """Ada has two accounts, Zoe one; each has two orders for KO and one for PG."""
    monkeypatch.setattr(cancelling, "ROUND_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(cancelling, "SECONDS_MAX", 10.0)
    monkeypatch.setattr(runs, "API_SECONDS_MAX", 10.0)
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


@pytest.fixture
def projecting(firm):
    """The projections follow, beside what is tested."""
    with following():
        yield


@contextmanager
def following(*, after_seconds=0.0):
    is_over = threading.Event()

    def follow():
        is_over.wait(after_seconds)
        while not is_over.wait(0.02):
            project_once()
        connection.close()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class OftenBusy(InProcessBus):
    """A bus that does not do what it is sent the first times, and says why with a code."""

    def __init__(self, writer, code, *, times):
        super().__init__(writer)
        self.code, self.left, self.sent = code, times, []

    def submit(self, envelopes):
        self.sent.append([each.command_id for each in envelopes])
        self.left -= 1
        if self.left < 0:
            return super().submit(envelopes)
        if self.code == "OUTCOME_UNKNOWN":  # It was done, and the answer is lost.
            super().submit(envelopes)
        return [NotExecuted(each.account_id, each.command_id, self.code, "", 100) for each in envelopes]


def use(bus):
    set_bus_factory(lambda: bus)
    return bus


def working(firm, account_id):
    return set(firm.writer.state(account_id)[0].orders)


def left(firm):
    return [len(working(firm, account_id)) for account_id in (ADA, BOB, ZOE)]


def cancel(api, **input):
    return api.run(CANCEL_ALL, **{"reason": "a runaway program", **input})


def test_an_owner_ends_the_orders_of_one_account(firm, projecting):
    done = cancel(firm.ada, accountId=ADA)
    assert done == {"cancelled": 3, "endedBefore": 0, "failures": [], "isBehind": False, "isComplete": True}
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
def test_operators_and_compliance_end_those_of_a_user_a_symbol_and_the_firm(firm, projecting, role, scope, expected):
    officer = Api("olga")
    give_role(officer.user, role)
    done = cancel(officer, **scope)
    assert (done["cancelled"], done["isComplete"]) == (9 - sum(expected), True)
    assert left(firm) == expected


def test_a_frozen_account_is_emptied_too_and_what_had_ended_is_said(firm, projecting):
    firm.execute(ADA, CancelOrder(firm.orders[ADA][0], "by hand"), FreezeAccount("look into it"))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["endedBefore"], done["failures"]) == (2, 1, [])


def test_orders_that_come_while_it_runs_are_found(firm, projecting, monkeypatch):
    monkeypatch.setattr(cancelling, "ORDERS_AT_ONCE_MAX", 2)
    late = []

    class Bus(InProcessBus):
        def submit(self, envelopes):
            if len(late) < 3:
                late.append(firm.place(ADA, symbol="KO", price=100_000))
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
        ({"accountId": ""}, "lower-case UUID"),
        ({"symbol": ""}, "a symbol is"),
        ({"symbol": "ko"}, "a symbol is"),
        ({"username": ""}, "say which user"),
        ({"username": "a/b"}, "neither a slash"),
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


def test_the_command_asks_first_and_says_what_it_did(firm, projecting, capsys, monkeypatch):
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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--account", ""), "lower-case UUID"),
        (("--account", "mine"), "lower-case UUID"),
        (("--user", ""), "say which user"),
        (("--symbol", ""), "a symbol is"),
        (("--symbol", "ko"), "a symbol is"),
        (("--account", ADA, "--reason", ""), "say why"),
        (("--account", ADA, "--reason", "x" * 141), "1 to 140 printable"),
    ],
)
def test_an_empty_or_malformed_value_on_the_command_line_ends_nothing(firm, given, message):
    with pytest.raises(CommandError, match=message):
        call_command("cancel_orders", "--yes", "--reason", "one account only", *given)
    assert left(firm) == [3, 3, 3]


def test_an_order_that_is_not_projected_yet_is_waited_for(firm):
    firm.place(ADA, symbol="KO")
    with following(after_seconds=0.5):
        done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["isBehind"], done["isComplete"]) == (4, False, True)
    assert left(firm) == [0, 3, 3]


def test_an_order_that_nothing_in_the_table_points_to_is_waited_for(firm):
    firm.execute(ADA, *[CancelOrder(order, "by hand") for order in firm.orders[ADA]])
    project()
    firm.place(ADA, symbol="KO")
    with following(after_seconds=0.5):
        done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["isComplete"]) == (1, True)
    assert left(firm) == [0, 3, 3]


def test_a_replacement_made_while_its_order_was_asked_for_is_found(firm, projecting):
    class Bus(InProcessBus):
        def submit(self, envelopes):
            if not replacements:
                replacements.append(firm.replace(ADA, firm.orders[ADA][0], shares=5))
            return super().submit(envelopes)

    replacements = []
    use(Bus(firm.writer))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["endedBefore"], done["isComplete"]) == (3, 1, True)
    assert left(firm) == [0, 3, 3]


def test_projections_that_do_not_follow_are_said(firm, monkeypatch, capsys):
    monkeypatch.setattr(cancelling, "SECONDS_MAX", 0.5)
    hidden = firm.place(ADA, symbol="KO")
    ProjectionCheckpoint.objects.update(stopped_because="a hole")
    with pytest.raises(CommandError, match="projections are behind the journal, so orders may work"):
        call_command("cancel_orders", "--account", ADA, "--yes", "--reason", "drill")
    assert "3 cancelled" in capsys.readouterr().out
    assert working(firm, ADA) == {hidden}


def test_only_the_partition_of_an_account_has_to_be_projected_for_it(firm):
    cancel_all = ("cancel_orders", "--yes", "--reason", "drill", "--account")
    here, there = firm.store.partition_of(ADA), firm.store.partition_of(ZOE)
    assert here != there
    firm.execute(ADA, *[CancelOrder(order, "by hand") for order in firm.orders[ADA]])
    project()
    ProjectionCheckpoint.objects.filter(partition=there).update(seq=0)
    call_command(*cancel_all, ADA)


def test_events_that_wait_as_dead_letters_are_said(firm, monkeypatch):
    monkeypatch.setattr(cancelling, "SECONDS_MAX", 2.0)
    DeadLetter.objects.create(account_id=ADA, version=9, partition=0, seq=1, event_type="OrderPlaced", error="odd")
    with pytest.raises(CommandError, match="projections are behind"):
        call_command("cancel_orders", "--symbol", "XOM", "--yes", "--reason", "drill")
    DeadLetter.objects.update(account_id=uuid.uuid4())
    with following():
        call_command("cancel_orders", "--account", ADA, "--yes", "--reason", "drill")


@pytest.mark.parametrize("code", sorted(cancelling.PASSING_CODES))
def test_what_did_not_happen_for_a_passing_reason_is_asked_for_again_under_the_same_ids(firm, projecting, code):
    bus = use(OftenBusy(firm.writer, code, times=2))
    done = cancel(firm.ada, accountId=ADA)
    assert done == {"cancelled": 3, "endedBefore": 0, "failures": [], "isBehind": False, "isComplete": True}
    assert left(firm) == [0, 3, 3]
    assert len(bus.sent) == 3
    assert bus.sent[0] == bus.sent[1] == bus.sent[2]


def test_what_still_fails_at_the_end_is_not_complete(firm, projecting, monkeypatch):
    monkeypatch.setattr(runs, "API_SECONDS_MAX", 0.5)
    use(OftenBusy(firm.writer, "OVERLOADED", times=10_000))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["failures"], done["isComplete"]) == ([{"code": "OVERLOADED", "orders": 3}], False)


def test_a_failure_that_does_not_pass_is_not_complete_and_not_asked_for_again(firm, projecting):
    bus = use(OftenBusy(firm.writer, "INTERNAL_ERROR", times=1))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["failures"], done["isComplete"]) == ([{"code": "INTERNAL_ERROR", "orders": 3}], False)
    assert len(bus.sent) == 1


class Slow(InProcessBus):
    """A bus that takes its time, and says when it began."""

    def __init__(self, writer, seconds):
        super().__init__(writer)
        self.seconds, self.began = seconds, threading.Event()

    def submit(self, envelopes):
        self.began.set()
        time.sleep(self.seconds)
        return super().submit(envelopes)


def test_the_limit_is_looked_at_for_every_page(firm, projecting, monkeypatch):
    monkeypatch.setattr(cancelling, "ORDERS_AT_ONCE_MAX", 1)
    monkeypatch.setattr(runs, "API_SECONDS_MAX", 0.5)
    use(Slow(firm.writer, 0.3))
    done = cancel(firm.ada, accountId=ADA)
    assert (done["cancelled"], done["isComplete"]) == (2, False)
    assert left(firm) == [1, 3, 3]


def test_a_user_has_one_run_at_a_time_and_the_next_when_it_is_over(firm, projecting):
    bus = use(Slow(firm.writer, 1.0))
    answers = []
    first = threading.Thread(target=lambda: answers.append(cancel(firm.ada, accountId=ADA)))
    first.start()
    assert bus.began.wait(10)
    began = time.monotonic()
    assert firm.ada.error(CANCEL_ALL, accountId=BOB, reason="x") == "ALREADY_RUNNING"
    assert time.monotonic() - began < 0.8
    first.join()
    assert answers[0]["isComplete"]
    assert cancel(firm.ada, accountId=BOB)["cancelled"] == 3


def test_runs_of_owners_neither_take_the_servers_threads_nor_those_of_officers(firm, projecting, monkeypatch):
    seen = set()

    class Bus(InProcessBus):
        def submit(self, envelopes):
            seen.add(threading.current_thread().name.rpartition("_")[0])
            return super().submit(envelopes)

    use(Bus(firm.writer))
    officer = Api("olga")
    give_role(officer.user, OPERATOR)
    cancel(firm.ada, accountId=ADA)
    cancel(officer, symbol="KO")
    assert seen == {"kill-switch-owner", "kill-switch-officer"}


def test_every_way_in_leaves_a_record_of_who_when_why_and_how_many(firm, projecting):
    cancel(firm.ada, accountId=ADA)
    call_command("cancel_orders", "--symbol", "PG", "--yes", "--reason", "drill")
    by_command, by_api = KillSwitchRun.objects.all()
    assert (by_api.whose, by_api.account_ids, by_api.actor.split("/")[0]) == (
        *(f"account {ADA}", [ADA]),
        user_reference(firm.ada.user.pk),
    )
    assert (by_api.state, by_api.asked, by_api.cancelled, by_api.reason) == ("complete", 3, 3, "a runaway program")
    assert (by_command.whose, by_command.actor, by_command.state) == ("PG", "platform/command line", "complete")
    assert (by_command.asked, by_command.cancelled) == (2, 2)
    assert firm.ada.error(CANCEL_ALL, everybody=True, reason="x") == "FORBIDDEN"
    assert KillSwitchRun.objects.count() == 2


def test_orders_are_ended_though_the_record_cannot_be_kept_up(firm, projecting, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("read only")

    monkeypatch.setattr(recorded.KillSwitchRun.objects, "filter", refuse)
    assert cancel(firm.ada, accountId=ADA)["cancelled"] == 3
    assert left(firm) == [0, 3, 3]
