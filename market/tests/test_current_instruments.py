"""What a process holds of the instruments, and how it follows their changes."""

import os
import subprocess
import sys
import threading
import time

import pytest
from django.db import connection, transaction
from structlog.testing import capture_logs

from market.instruments.changes import save_instruments
from market.instruments.current import InstrumentFollower, Instruments
from market.tests.test_instruments import NEW
from tests.services.instruments import DEMO_INSTRUMENTS
from tradingplatform.local.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)


def save(*symbols, **fields):
    changes = [{**NEW, "symbol": symbol, **fields} for symbol in symbols]
    return save_instruments(changes, actor="user:1/ada", reason="test")


@pytest.fixture
def follower():
    """One that has looked once; it looks again when a test says so, as its thread does every second."""
    made = InstrumentFollower()
    made.refresh()
    yield made
    made.close()


def held(follower):
    return follower._held


def test_an_empty_platform_has_none_and_knows_it(follower):
    assert (dict(held(follower).by_symbol), held(follower).version, held(follower).is_loaded) == ({}, 0, True)


def test_what_is_added_and_changed_is_held_in_the_order_of_symbols(follower):
    save("PG", "AA")
    follower.refresh()
    save("KO")
    save("PG", is_halted=True)
    follower.refresh()
    assert list(held(follower).by_symbol) == ["AA", "KO", "PG"]
    assert [each.is_halted for each in held(follower).by_symbol.values()] == [False, False, True]
    assert held(follower).version > 0


def test_a_snapshot_never_changes_and_stays_as_long_as_nothing_does(follower):
    save("KO")
    follower.refresh()
    before = held(follower)
    follower.refresh()
    assert held(follower) is before
    save("KO", lot_size=1)
    follower.refresh()
    assert (before.by_symbol["KO"].lot_size, held(follower).by_symbol["KO"].lot_size) == (1_000_000, 1)
    with pytest.raises(TypeError):
        before.by_symbol["KO"] = None


def test_only_what_changed_is_fetched(follower, monkeypatch):
    save(*(f"S{number}" for number in range(10_000)))
    follower.refresh()
    assert len(held(follower).by_symbol) == 10_000
    kept = held(follower).by_symbol["S7"]
    save("S8", lot_size=1)
    follower.refresh()
    assert held(follower).by_symbol["S7"] is kept
    assert held(follower).by_symbol["S8"].lot_size == 1


def test_a_database_that_was_restored_is_read_anew(follower):
    save("KO", "PG")
    follower.refresh()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE market_instrument, market_instrumentchange RESTART IDENTITY")
    save("KO", lot_size=1)
    follower.refresh()
    assert list(held(follower).by_symbol) == ["KO"]
    assert held(follower).by_symbol["KO"].lot_size == 1


def test_a_change_that_commits_later_is_not_passed_over(follower):
    """Numbers are in the order of commits: whoever changes an instrument waits for those who do."""
    begun, may_end, is_second_done = threading.Event(), threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            save("AA")
            begun.set()
            assert may_end.wait(10)
        connection.close()

    def second():
        save("BB")
        is_second_done.set()
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    is_second_done.wait(0.5)
    follower.refresh()
    may_end.set()
    for thread in threads:
        thread.join(10)
    follower.refresh()
    assert list(held(follower).by_symbol) == ["AA", "BB"]


def test_a_process_goes_on_with_what_it_has_while_postgresql_is_away(follower, monkeypatch):
    save("KO")
    follower.refresh()
    with monkeypatch.context() as away, capture_logs() as logs:
        away.setitem(connection.settings_dict, "PORT", free_port())
        ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s"
        connection.cursor().execute(ends, [follower._connection.info.backend_pid])
        for _ in range(3):
            follower.refresh()
    assert [line["event"] for line in logs] == ["instruments.database_away"]
    assert list(held(follower).by_symbol) == ["KO"]
    save("KO", is_halted=True)
    with capture_logs() as logs:
        follower.refresh()
    assert [line["event"] for line in logs] == ["instruments.database_back"]
    assert held(follower).by_symbol["KO"].is_halted


def test_the_first_use_waits_and_the_others_follow_within_two_seconds(settings):
    """In a process of its own, as the web process begins."""
    save("KO")
    code = """
import django, sys, time
django.setup()
from market.instruments.current import current_instruments
first = current_instruments()
print(list(first.by_symbol), first.is_loaded, flush=True)
sys.stdin.readline()
deadline = time.monotonic() + 2
while "PG" not in current_instruments().by_symbol and time.monotonic() < deadline:
    time.sleep(0.01)
print(list(current_instruments().by_symbol), flush=True)
"""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "['KO'] True\n"
        save("PG")
        began = time.monotonic()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "['KO', 'PG']\n"
        assert time.monotonic() - began < 2.5


def test_instruments_that_are_held_are_not_followed():
    made = InstrumentFollower()
    made.hold(DEMO_INSTRUMENTS)
    assert made.current() is DEMO_INSTRUMENTS
    assert made._thread is None
    assert isinstance(made.current(), Instruments)
