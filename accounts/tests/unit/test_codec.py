"""The stored form of events is a format: golden files pin every byte of it, and are read for ever."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from accounts.codec import account_codec
from accounts.domain import events as e
from eventstore.columns.codec import EventCodec
from eventstore.errors import UnknownEventType
from eventstore.record import Commit, CommitHeader
from eventstore.tests.reference import compressed, encoded_commit

GOLDEN = Path(__file__).parent.parent.parent / "golden_events"
EXAMPLES = (
    e.AccountOpened("ada", "Savings", "USD", 1_000, 10_000_000_000, 1_000_000_000, 1_000),
    e.CashDeposited(5_000_000, "first", 5_000_000, 5_000_000, 5_000_000),
    e.CashWithdrawn(1_000_000, "rent", 4_000_000, 4_000_000, 1_000_000),
    e.TradeExecuted(
        "KO", "BUY", 2_500_000, 500_001, "o-1", 1_250_002, 50, 2_749_948, 2_500_000, 1_250_052, 7, 0, -9, 90, 1_250_052,
        4_000_000, 1, 20_000, 1_250_002, 1, 0,
    ),
    e.CommandRefused(
        "ExecuteTrade", "INSUFFICIENT_FUNDS", 1, 2, {"symbol": "KO", "quantity": 3_000_000, "order_id": None}
    ),
    e.AccountFrozen("audit"),
    e.AccountUnfrozen("clean"),
    e.RiskLimitsChanged(2_000, 3, 4, 250),
    e.FeeScheduleChanged(10_000, 50, 5, 20_000),
    e.SharesSplit(
        "0b5c1f3e-0000-4000-8000-0000000000aa", "KO", 3, 2, 1_000_000, 333_334, 25_000_000, 166_667, 2_916_667,
        37_000_000, 1_233_400, -33, 333_333, 149_967, 149_934, 1_233_400, 15_249_988, 20_001, 0, 0, 149_967,
    ),
    e.DividendPaid(
        "0b5c1f3e-0000-4000-8000-0000000000ab", "KO", 24_287_500, 37_000_000, 89_864, 3_006_531, 15_339_852, 89_864,
        20_002, 89_864,
    ),
    e.SymbolChanged(
        "0b5c1f3e-0000-4000-8000-0000000000ac", "KO", "COKE", 37_000_000, 1_233_400, -33, 40_000_000, 1_333_400, 12,
        333_333, 16_339_852,
    ),
    e.PositionsMarked(20_003, 1_728_334_800_000_000, {"COKE": 340_000, "XOM": 1_000_000}, 3_006_531, 16_606_531),
    e.AccountClosed("moved"),
    e.OrderPlaced(
        "1f0e4a52-0000-4000-8000-000000000002", "mine-1", "KO", "BUY", 10_000_000, "STOP_LIMIT", "GTC", 500_000,
        490_000, 500_000, "1f0e4a52-0000-4000-8000-000000000001", 4_000_000, 1_990_000, 3_000_000, 0,
        1_800_000_000_000_000, 5_000, None, 491_000, "BRACKET", "1f0e4a52-0000-4000-8000-000000000004",
        "1f0e4a52-0000-4000-8000-000000000002",
    ),
    e.OrderFilled(
        "1f0e4a52-0000-4000-8000-000000000002", "KO", "BUY", 10_000_000, "PARTIALLY_FILLED", 2_000_000, 499_000,
        6_000_000, 2_988_000, 2_000_000, 0,
    ),
    e.OrderReplaced(
        "1f0e4a52-0000-4000-8000-000000000001", "1f0e4a52-0000-4000-8000-000000000002", "KO", "BUY", 8_000_000,
        4_000_000, 0, 0, "quantity,limit_price",
    ),
    e.OrderCancelled(
        "1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 10_000_000, 6_000_000, "changed my mind", 0, 3_000_000
    ),
    e.OrderExpired(
        "1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 10_000_000, 6_000_000, "the day is over", 0, 3_000_000
    ),
    e.OrderRejected("1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 10_000_000, 0, "halted", 0, 0),
    e.OrderTriggered("1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 490_000, 489_000, 0, 3_000_000),
    e.OrderTrailed("1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 495_000, 505_000, 0, 3_000_000),
    e.OrderReduced(
        "1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 8_000_000, 1_000_000,
        "1f0e4a52-0000-4000-8000-000000000003", 0, 7_000_000,
    ),
    e.OrderActivated(
        "1f0e4a52-0000-4000-8000-000000000002", "KO", "SELL", 8_000_000, 480_000, 480_000, 0, 8_000_000
    ),
)  # fmt: skip
HEADER = CommitHeader(
    "0b5c1f3e-0000-4000-8000-000000000001", 1, 1_700_000_000_000_000, "c-1", None, None, "ada/bot", None
)


def test_there_is_an_example_of_every_event():
    assert {type(example) for example in EXAMPLES} == set(get_args(e.AccountEvent))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_the_stored_bytes_are_those_of_the_golden_file(example):
    path = GOLDEN / f"{example.__struct_config__.tag}.msgpack"
    assert path.exists(), f"a new event or version: write {path.name} once, and never change it"
    # One that has a field more than before: keep the file under another name behind the tag, and write a new one.
    assert msgspec.msgpack.encode(example) == path.read_bytes()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.msgpack")), ids=lambda path: path.stem)
def test_every_golden_file_is_still_read(path):
    codec = account_codec()
    event = msgspec.msgpack.decode(path.read_bytes(), type=codec.event_types[path.name.partition(".")[0]])
    (commit,) = codec.commits(codec.unpack(codec.decompress(compressed([commit_of(event)], codec))))
    assert type(commit.events[0]).__name__ == path.stem.partition("@")[0]


def commit_of(*events):
    return Commit(*msgspec.structs.astuple(HEADER), events)


def test_a_commit_is_read_as_it_was_written():
    codec = account_codec()
    written = [commit_of(*EXAMPLES), commit_of(EXAMPLES[0]), commit_of(*EXAMPLES[3:5], EXAMPLES[3])]
    plain = codec.decompress(compressed(written, codec))
    assert codec.commits(codec.unpack(plain)) == written
    assert codec.raw_commits(plain) == [encoded_commit(commit, codec) for commit in written]


@pytest.mark.parametrize("count", [1, 15, 16, 17, 65_535, 65_536])
def test_payloads_of_every_size_are_read(count):
    codec = account_codec()
    commit = commit_of(e.AccountFrozen("x"))
    assert len(codec.commits(codec.unpack(codec.decompress(compressed([commit] * count, codec))))) == count


class AccountMerged(e.Event, frozen=True, array_like=True, tag="AccountMerged@1"):
    other: int


def test_an_event_of_a_newer_release_is_named_not_skipped():
    newer = EventCodec([AccountMerged])
    plain = newer.decompress(compressed([commit_of(AccountMerged(1))], newer))
    codec = account_codec()
    with pytest.raises(UnknownEventType, match="AccountMerged@1"):
        codec.commits(codec.unpack(plain))
