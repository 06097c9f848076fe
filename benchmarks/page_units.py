"""What pages cost on DynamoDB beside the journal, in write units (one for each kilobyte begun of an item).

Arithmetic on real batches and pages, not a measurement of time: every write of an item and of its entries in the
indexes counts. Two shapes: a few busy accounts, and many quiet ones, each with a tail of the default length.
"""

import random
from collections.abc import Iterator

from accounts.codec import account_codec
from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from benchmarks.measure import Figure
from eventstore.engines.dynamodb.tables import batch_item, page_item
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore
from eventstore.writer.request import Request

EVENTS = 50_000
GROUP = 1_000
PARTITIONS = 16
UNIT_BYTES = 1_024
INDEX_UNITS = 1


def page_units() -> Iterator[Figure]:
    """Measure both shapes."""
    yield _units("few_busy", accounts=20)
    yield _units("many_quiet", accounts=20_000)


def _units(shape: str, *, accounts: int) -> Figure:
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=PARTITIONS)
    writer = store.writer(AccountDecider())
    numbers = random.Random(4)
    names = [f"00000000-0000-4000-8000-{number:012x}" for number in range(accounts)]
    for number, command in enumerate(
        (OpenAccount("b", "B", "USD"), DepositCash(10**10, ""), ChangeRiskLimits(10_000, 10**15, 10**12))
    ):
        writer.execute([Request(name, f"b{number}", "bench", command) for name in names])
    for start in range(0, EVENTS, GROUP):
        writer.execute(
            [
                Request(
                    numbers.choice(names),
                    f"{start + number:032x}",
                    "bench",
                    ExecuteTrade("KO", "BUY", SHARE, numbers.randint(1, 900), None),
                )
                for number in range(GROUP)
            ]
        )
    heads = store.heads()
    journal = [batch for p in heads for batch in store.engine.read(partition=p, after_seq=0, limit=heads[p])]
    snapshotter = store.snapshotter(AccountDecider())
    pages = [page for p in heads for page in snapshotter.make(partition=p, after_seq=0, through_seq=heads[p])]
    journal_units = sum(_item_units(batch_item(batch)) for batch in journal)
    units = sum(_item_units(page_item(page)) for page in pages)
    events = sum(batch.event_count for batch in journal)
    note = f"{events:,} events of {accounts:,} accounts: {journal_units:,} units for {len(journal):,} batches, "
    note += f"{units:,} for {len(pages):,} pages; indexes included"
    return Figure(f"store.page_write_units_ratio_{shape}", units / journal_units, "of the journal's", note)


def _item_units(item: dict[str, dict[str, object]]) -> int:
    size = sum(len(name) + len(value) for name, typed in item.items() for value in _sized(typed))
    return -(-size // UNIT_BYTES) + INDEX_UNITS


def _sized(typed: dict[str, object]) -> Iterator[bytes | str]:
    for value in typed.values():
        yield value if isinstance(value, bytes | str) else str(value)
