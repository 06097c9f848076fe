"""Replay: the same bytes as the live state, in one process or several; and what is wrong with a page is named."""

import functools
import io
import json
import multiprocessing
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.codec import dump_account
from accounts.domain import commands as c
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.pages.page import seal_page
from eventstore.record import instant_of
from eventstore.tests.reference import encode
from temporal.errors import BeforeOpening, InvalidMoment, ReplayFailed, UnknownAccount
from temporal.management.commands import replay as command
from temporal.replay import Result, account_jobs, partition_jobs, replay_here, replay_in_processes
from temporal.tests.history.conftest import ADA, BOB, Histories
from temporal.tests.history.openers import cannot_open, die, open_at
from tradingplatform.bootstrap import wire

IDS = [ADA, BOB, *(f"0b5c1f3e-0000-4000-8000-0000000000{number:02x}" for number in range(32, 52))]


@pytest.fixture
def traded(tmp_path):
    """Twenty-two accounts with trades, refusals and orders, partly in pages."""
    histories = Histories(SQLiteEngine(tmp_path))
    histories.folder = tmp_path
    for number, account_id in enumerate(IDS):
        histories.open(account_id)
        for day in range(number % 5):
            histories.now += 3_600_000_000
            histories.buy(10 + day, 50 + number, account_id=account_id)
            histories.sell(3, 60, account_id=account_id)
            histories.sell(1_000, 60, account_id=account_id)
        if number == 11:
            histories.make_pages(through=2)
    order = c.PlaceOrder("o-1", "mine", "PG", "BUY", 4 * SHARE, "LIMIT", "GTC", 500_000, None, 0)
    histories.execute(ADA, order, c.ExecuteTrade("PG", "BUY", SHARE, 500_000, "o-1"))
    yield histories
    wire()


def result_of(updates):
    result = Result()
    for update in updates:
        if update.result is not None:
            result.add(update.result)
    return result


def everything(histories, **options):
    return result_of(replay_here(histories.store, partition_jobs(histories.store, **options)))


def looked_up(histories, account_ids=IDS, **moment):
    return {name: dump_account(histories.store.state(AccountDecider(), name, **moment).state) for name in account_ids}


def test_everything_replayed_is_the_live_state_byte_for_byte(traded):
    found = everything(traded, with_states=True, is_checked=True)
    assert found.states == looked_up(traded)
    assert (found.accounts, found.difference_count) == (22, 0)
    assert found.events == sum(traded.store.state(AccountDecider(), name).version for name in IDS)
    states = [traded.store.state(AccountDecider(), name).state for name in IDS]
    assert found.trades == sum(state.trade_count for state in states)
    assert found.money["USD"].cash == sum(state.cash for state in states)
    assert found.money["USD"].realized_pnl == sum(state.realized_pnl for state in states)


@pytest.mark.parametrize("hours", [0, 1, 7, 20, 30])
def test_everything_is_replayed_up_to_an_instant(traded, hours):
    began = traded.store.state(AccountDecider(), ADA, version=1).timestamp
    through = instant_of(began) + timedelta(hours=hours)
    found = everything(traded, with_states=True, is_checked=True, through=through)
    assert found.states == looked_up(traded, found.states, at=through)
    opened_later = set(IDS) - set(found.states)
    firsts = [traded.store.state(AccountDecider(), name, version=1).timestamp for name in opened_later]
    assert all(first > began + hours * 3_600_000_000 for first in firsts)
    assert found.difference_count == 0


def test_an_account_is_replayed_to_every_version(traded):
    state = traded.store.state(AccountDecider(), ADA)
    assert state.version == 6  # A trade that fills an order is two events.
    for version in range(1, state.version + 1):
        jobs = account_jobs(traded.store, [ADA], version=version, with_states=True, is_checked=True)
        found = result_of(replay_here(traded.store, jobs))
        assert found.states == looked_up(traded, [ADA], version=version)
        assert (found.accounts, found.events, found.difference_count) == (1, version, 0)


def test_accounts_are_replayed_once_and_to_an_instant(traded):
    through = instant_of(traded.store.state(AccountDecider(), IDS[8], version=7).timestamp)
    jobs = account_jobs(traded.store, [IDS[8], ADA, ADA], through=through, with_states=True, is_checked=True)
    assert [job.account_id for job in jobs] == [IDS[8], ADA]
    found = result_of(replay_here(traded.store, jobs))
    assert found.states == looked_up(traded, [ADA, IDS[8]], at=through)
    with pytest.raises(UnknownAccount):
        account_jobs(traded.store, ["nobody"])
    with pytest.raises(InvalidMoment, match="is at version 6, found 7"):
        account_jobs(traded.store, [ADA], version=7)
    with pytest.raises(BeforeOpening):
        account_jobs(traded.store, [ADA], through=through - timedelta(days=400))


@pytest.mark.parametrize("process_count", [1, 2, 9])
def test_several_processes_have_the_same_result(traded, process_count):
    opened = functools.partial(open_at, traded.folder)
    jobs = partition_jobs(traded.store, with_states=True, is_checked=True)
    updates = list(replay_in_processes(opened, jobs, process_count=process_count))
    found, expected = result_of(updates), everything(traded, with_states=True)
    assert found.states == expected.states
    assert found == Result(**{name: getattr(expected, name) for name in Result.__slots__})
    assert sorted(update.job.partition for update in updates if update.result is not None) == [0, 1, 2, 3]
    assert multiprocessing.active_children() == []


def test_a_replay_that_is_stopped_ends_its_processes(traded):
    jobs = partition_jobs(traded.store)
    updates = replay_in_processes(functools.partial(open_at, traded.folder), jobs, process_count=2)
    next(updates)
    assert len(multiprocessing.active_children()) == 2
    updates.close()
    assert multiprocessing.active_children() == []


def test_what_ends_a_process_is_told(traded):
    jobs = partition_jobs(traded.store)
    with pytest.raises(ReplayFailed, match="the disk is away"):
        list(replay_in_processes(cannot_open, jobs, process_count=2))
    with pytest.raises(ReplayFailed, match="ended unexpectedly"):
        list(replay_in_processes(die, jobs, process_count=2))
    assert multiprocessing.active_children() == []


def unlocked(connection):
    """Do as one who has the file and knows SQLite."""
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def falsify_page(histories, account_id, **changed):
    """Write a page whose state before it is not what the events add up to, sealed like any other."""
    engine, codec = histories.store.engine, histories.store.codec
    page = histories.store.pages.last(account_id)
    state = AccountDecider().load(page.state_before)
    for name, value in changed.items():
        setattr(state, name, value)
    columns = codec.unpack(encode(histories.store.commits(page.columns()), codec))
    false = seal_page(columns, state_before=dump_account(state), codec=codec)
    unlocked(engine._pages._database.connection()).execute(
        "UPDATE page SET hash = ?, payload = ? WHERE aggregate_id = ? AND first_version = ?",
        (false.hash, false.payload, account_id, false.first_version),
    )


def test_a_page_that_says_something_else_is_named_with_the_first_difference(traded):
    falsify_page(traded, IDS[4], withdrawn=7, max_trade_value=1)
    found = everything(traded, is_checked=True)
    (difference,) = found.differences
    assert found.difference_count == 1
    assert difference == (IDS[4], traded.store.state(AccountDecider(), IDS[4]).version, "withdrawn", "0", "7")
    assert everything(traded).difference_count == 0
    jobs = account_jobs(traded.store, IDS[3:5], is_checked=True)
    assert result_of(replay_here(traded.store, jobs)).differences == [difference]


def test_damaged_events_are_not_replayed(traded):
    unlocked(traded.store.engine._journal.connection()).execute(
        "UPDATE journal SET payload = zeroblob(10) WHERE partition = 0 AND seq = 3"
    )
    with pytest.raises(ReplayFailed, match="IntegrityError: partition 0, seq 3"):
        everything(traded)


# The command.


def run(*arguments):
    out = io.StringIO()
    call_command("replay", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_was_replayed(traded):
    shown = run("--processes", "1", "--check")
    found = everything(traded)
    assert f"{found.events:,} events of 22 accounts in" in shown
    assert f"fingerprint {found.fingerprint:064x}" in shown
    assert "every account is what its page and the events after it say" in shown
    result = json.loads(run(ADA, "--to-version", "3", "--json"))
    assert (result["accounts"], result["events"], result["money"]["USD"]["cash"]) == (1, 3, "1000000.0000")
    at = f"{instant_of(traded.store.state(AccountDecider(), IDS[6], version=3).timestamp):%Y-%m-%dT%H:%M:%S.%fZ}"
    assert json.loads(run("--to", at, "--processes", "1", "--json"))["accounts"] == 7


def test_the_command_exits_with_one_when_something_differs(traded):
    falsify_page(traded, IDS[4], withdrawn=7)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 22 accounts are not what their pages say") as error:
        call_command("replay", "--check", "--processes", "1", stdout=out)
    assert error.value.returncode == 1
    assert f"account {IDS[4]} at version" in out.getvalue()
    assert "withdrawn is 0 when replayed and 7 by its page" in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--processes", "0"], "expected 1 or more, found 0"),
        (["--to-version", "3"], "--to-version goes with accounts"),
        ([ADA, "--to-version", "7"], "is at version 6"),
        (["nobody"], "no events of an account nobody"),
        (["--to", "yesterday"], "RFC 3339"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(traded, arguments, says):
    with pytest.raises(CommandError, match=says) as error:
        run(*arguments)
    assert error.value.returncode == 2


def test_the_command_ends_cleanly_when_it_is_interrupted(traded, monkeypatch):
    def interrupted(store, jobs):
        yield from replay_here(store, jobs[:1])
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "replay_here", interrupted)
    with pytest.raises(CommandError, match="interrupted; nothing was written") as error:
        run("--processes", "1")
    assert error.value.returncode == 130
