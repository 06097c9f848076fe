"""Where the time of a trade goes: each stage of the pipeline alone, over the same trades, batch by batch as the writer
makes them. What the whole costs beyond their sum is the writer's own work: copies of states, remembered command ids,
outcomes, and caches that are cold by the time that a stage comes round again.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from accounts.application.batches import decode_trades, trade_envelopes
from accounts.application.envelope import Envelope
from accounts.codec import account_codec
from accounts.domain.account import decide, evolve
from accounts.domain.commands import AccountCommand, ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.state import Account
from accounts.domain.values import SHARE, format_amount
from benchmarks.measure import Figure
from benchmarks.trades import account_ids, trade_requests
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.integrity.hashing import leaf_hash
from eventstore.integrity.merkle import merkle_root
from eventstore.record import Commit, StoredBatch
from eventstore.store import EventStore
from eventstore.writer.batch import seal
from eventstore.writer.request import Request

TRADES: Final = 50_000
GROUP: Final = 1_000
PARTITIONS: Final = 16
NOW: Final = 1_750_000_000_000_000

Trades = Sequence[Request[AccountCommand]]


def stages() -> Iterator[Figure]:
    """Measure every stage, in microseconds a trade."""
    trades = trade_requests(TRADES)
    bodies = [msgspec.json.encode([entry_of(trade) for trade in part]) for part in _parts(trades, GROUP)]
    with _stage() as decoding:
        decoded = [_decoded(body) for body in bodies]
    assert sum(map(len, decoded)) == TRADES
    yield _figure("decode", decoding, "JSON of submitTrades to checked commands")
    states = _funded()
    with _stage() as deciding:
        commits = [_decided(trade, states[trade.aggregate_id], NOW + n) for n, trade in enumerate(trades)]
    yield _figure("decide", deciding, "the rules, the event, the new state")
    yield from _written(_parts(commits, GROUP // PARTITIONS))


def _written(parts: Sequence[Sequence[Commit[Any]]]) -> Iterator[Figure]:
    codec = account_codec()
    encode = codec.encode_value
    columns = [([commit.header for commit in part], [commit.events for commit in part]) for part in parts]
    with _stage() as encoding:
        encoded = [(list(map(encode, headers)), [encode(event) for (event,) in events]) for headers, events in columns]
        for headers, events in columns:
            codec.compress_bytes(codec.encode_columns(headers, events))
    yield _figure("encode", encoding, "each event's exact bytes, columns, zstd")
    with _stage() as hashing:
        leaves = [
            [leaf_hash(header, 0, event) for header, event in zip(headers, events, strict=True)]
            for headers, events in encoded
        ]
        for part_leaves in leaves:
            merkle_root(part_leaves)
    yield _figure("hash", hashing, "SHA-256 of each event, Merkle roots")
    with tempfile.TemporaryDirectory() as folder:
        engine = SQLiteEngine(Path(folder))
        with EventStore.open(engine, codec=codec, partition_count=PARTITIONS) as store:
            batches = _sealed(parts, leaves)
            with _stage() as storing:
                for together in _parts(batches, PARTITIONS):
                    assert engine.append(together) == [None] * len(together)
            assert sum(store.heads().values()) == len(batches)
    yield _figure("store", storing, f"batches of {PARTITIONS} partitions together to SQLite, durable")


def _figure(stage: str, seconds: list[float], note: str) -> Figure:
    return Figure(f"commands.stage_{stage}_us", seconds[0] / TRADES * 1e6, "us a trade", note)


@contextmanager
def _stage() -> Iterator[list[float]]:
    seconds: list[float] = []
    started = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - started)


def _parts(of: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [of[start : start + size] for start in range(0, len(of), size)]


def entry_of(request: Request[AccountCommand]) -> dict[str, object]:
    """Return a trade as an entry of submitTrades."""
    trade = request.command
    assert isinstance(trade, ExecuteTrade)
    return {
        "accountId": request.aggregate_id,
        "commandId": request.command_id,
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity // SHARE,
        "price": format_amount(trade.price),
    }


def _decoded(body: bytes) -> list[Envelope]:
    items: Any = decode_trades(msgspec.Raw(body))
    found: Any = trade_envelopes(items, "bench")
    return found


def _funded() -> dict[str, Account]:
    opening = (OpenAccount("b", "B", "USD"), DepositCash(2_000_000_000, ""), ChangeRiskLimits(1_000, 10**14, 10**9))
    states = {account_id: Account() for account_id in account_ids()}
    for state in states.values():
        for command in opening:
            for event in decide(state, command, NOW):
                evolve(state, event)
    return states


def _decided(trade: Request[AccountCommand], state: Account, now: int) -> Commit[Any]:
    events = decide(state, trade.command, now)
    for event in events:
        evolve(state, event)
    return Commit(trade.aggregate_id, 4, now, trade.command_id, None, None, trade.actor, None, events)


def _sealed(parts: Sequence[Sequence[Commit[Any]]], leaves: Sequence[Sequence[bytes]]) -> list[StoredBatch]:
    codec = account_codec()
    batches: list[StoredBatch] = []
    for number, (part, part_leaves) in enumerate(zip(parts, leaves, strict=True)):
        seq, partition = number // PARTITIONS + 1, number % PARTITIONS
        previous = batches[-PARTITIONS].hash if seq > 1 else bytes(32)
        headers, events = [commit.header for commit in part], [commit.events for commit in part]
        batch = seal(
            headers, events, leaves=part_leaves, codec=codec, partition=partition, seq=seq, previous_hash=previous
        )
        batches.append(batch)
    return batches
