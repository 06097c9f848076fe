"""Journals that earlier releases wrote, kept as files: each is opened, verified and read to the same states for ever.

A new release of the stored format, or of events, adds a file here and changes none. The first is of format 3: what came
before it was not released, and is refused (eventstore/tests/test_reading.py).
"""

import json
import lzma
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from accounts.codec import account_codec
from accounts.domain.account import decide, evolve
from accounts.domain.commands import OpenAccount
from accounts.domain.events import AccountEvent
from accounts.domain.state import Account, Order
from accounts.writer.machine import AccountDecider
from eventstore.audit.verify import PartitionRun
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from eventstore.tests.audit.test_verify import tamper

FROZEN = sorted((Path(__file__).parent.parent / "frozen_journals").glob("*.journal.xz"))
DECIDER = AccountDecider()


def expectation_of(path):
    return json.loads(path.with_name(path.name.replace(".journal.xz", ".expected.json")).read_text())


@pytest.fixture(params=FROZEN, ids=lambda path: path.name)
def frozen(request, tmp_path):
    """Return the folder of a frozen journal, and what its release made of it."""
    (tmp_path / "journal.sqlite3").write_bytes(lzma.decompress(request.param.read_bytes()))
    return tmp_path, expectation_of(request.param)


def open_frozen(folder):
    return EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=4)


def plain(state):
    return json.loads(msgspec.json.encode(state))


def as_of_now(was):
    """Return a state as it was written down; what an account did not have then it has as one that is opened has it, and
    what an order did not have it has not.
    """
    new = Account()
    for event in decide(new, OpenAccount("user:1", "New", "USD"), 0):
        evolve(new, event)
    missing = plain([Order._field_defaults.get(name) for name in Order._fields])
    orders = {order_id: [*order, *missing[len(order) :]] for order_id, order in was["orders"].items()}
    return {**plain(new), **was, "orders": orders}


def findings(store):
    return [
        found
        for p in range(store.partition_count)
        for _, findings in PartitionRun(store, p).run()
        for found in findings
    ]


def test_there_is_a_journal_of_the_first_format_that_is_kept():
    assert "format-3.journal.xz" in {path.name for path in FROZEN}


def test_every_event_is_in_one_of_them():
    held = {kind for path in FROZEN for kind in expectation_of(path)["types"]}
    assert held == {kind.__name__ for kind in get_args(AccountEvent)}


def test_it_is_sound_and_every_event_is_there(frozen):
    folder, expected = frozen
    with open_frozen(folder) as store:
        assert findings(store) == []
        events = [e for p in range(4) for b in store.read_all(partition=p) for c in b.commits for e in c.events]
    assert len(events) == expected["events"]
    assert sorted({type(event).__name__ for event in events}) == expected["types"]


def test_accounts_and_ids_are_what_they_were(frozen):
    folder, expected = frozen
    with open_frozen(folder) as store:
        for account_id, was in expected["accounts"].items():
            found = store.state(DECIDER, account_id)
            assert (found.version, plain(found.state)) == (was["version"], as_of_now(was["state"]))
            *_, last = store.events(account_id)
            assert last.event_id == expected["event_ids"][account_id]


def test_pages_and_replay_come_to_the_same(frozen):
    folder, expected = frozen
    with open_frozen(folder) as store:
        for partition, head in store.heads().items():
            store.snapshotter(DECIDER).write(partition=partition, through_seq=head)
        replayed = {}
        for partition in store.heads():
            for replay in store.replay(DECIDER, partition=partition):
                replayed |= replay.states
        for account_id, was in expected["accounts"].items():
            assert plain(store.state(DECIDER, account_id).state) == as_of_now(was["state"])
            assert plain(replayed[account_id]) == as_of_now(was["state"])


def test_an_altered_one_would_be_found(frozen):
    folder, _ = frozen
    tamper(folder, ("UPDATE journal SET last_timestamp = last_timestamp + 1 WHERE partition = 2 AND seq = 3", ()))
    with open_frozen(folder) as store:
        assert findings(store)
