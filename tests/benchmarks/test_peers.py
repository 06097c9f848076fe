"""The peers of the benchmarks in short: each measures what it says, and would notice an event that got lost."""

import sqlite3
from contextlib import closing
from uuid import UUID

import msgspec
import pytest
from botocore.exceptions import ClientError
from eventsourcing.persistence import IntegrityError

from accounts.domain.account import evolve
from accounts.domain.events import TradeExecuted
from accounts.domain.state import Account
from benchmarks.peers import eventsourcing_library as library
from benchmarks.peers import one_item_per_event, sizes
from benchmarks.peers.eventsourcing_places import PostgresPlace, SQLitePlace
from benchmarks.peers.trade_data import Effort, Trade, executed_trades

COUNT = 90
EFFORT = Effort(single_events=20, batched_events=COUNT, batch_sizes=(10, 40), replayed_events=COUNT, rounds=2)
HEADER = ("timestamp", "command_id", "correlation_id", "causation_id", "actor")


@pytest.fixture(scope="module")
def trades() -> list[Trade]:
    return executed_trades(COUNT)


@pytest.fixture(scope="module")
def few_accounts(trades) -> list[Trade]:
    """The same trades as those of three accounts, so that there is something to fold."""
    ids = sorted({trade.account_id for trade in trades})[:3]
    return [
        msgspec.structs.replace(trade, account_id=ids[number % 3], version=number // 3 + 1)
        for number, trade in enumerate(trades)
    ]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    """Each of the places in which the library can keep its events."""
    return (
        SQLitePlace(tmp_path) if request.param == "sqlite" else PostgresPlace(request.getfixturevalue("postgres_url"))
    )


class TestTradeData:
    def test_as_many_trades_as_asked_for_come_with_versions_without_gaps(self):
        trades = executed_trades(3_000)
        versions: dict[str, list[int]] = {}
        for trade in trades:
            versions.setdefault(trade.account_id, []).append(trade.version)
        assert len(trades) == 3_000
        assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
        assert len({trade.command_id for trade in trades}) == 3_000

    def test_the_same_trades_come_each_time(self, trades):
        again = executed_trades(COUNT)
        assert [(t.account_id, t.command_id, t.executed.symbol, t.executed.price) for t in again] == [
            (t.account_id, t.command_id, t.executed.symbol, t.executed.price) for t in trades
        ]


class TestEventsourcingLibrary:
    def test_its_event_has_the_fields_of_ours_and_the_header(self):
        assert library.TradeRecorded.__struct_fields__ == (
            "originator_id",
            "originator_version",
            *HEADER,
            *TradeExecuted.__struct_fields__,
        )

    def test_sqlite_is_measured(self, trades, tmp_path):
        figures = list(library.sqlite(trades, tmp_path / "new", EFFORT))
        assert [figure.metric for figure in figures] == _metrics("sqlite")
        assert all(figure.value > 0 for figure in figures)
        assert "WAL, synchronous=FULL" in figures[0].note
        assert list((tmp_path / "new").iterdir()) == []

    def test_postgres_is_measured_and_the_notes_say_how_durable_it_is(self, trades, postgres_url):
        figures = list(library.postgres(trades, postgres_url, EFFORT))
        assert [figure.metric for figure in figures] == _metrics("postgres")
        assert all(figure.value > 0 for figure in figures)
        # The server of the tests is not durable, and the note must not claim it.
        assert "fsync=off, synchronous_commit=off" in figures[0].note

    def test_both_replays_lead_to_the_states_that_the_platform_itself_folds(self, few_accounts, place):
        expected: dict[UUID, Account] = {}
        for trade in few_accounts:
            evolve(expected.setdefault(UUID(trade.account_id), Account()), trade.executed)
        with place.fresh(library.TradingAccounts) as application:
            application.save(*[library.domain_event(trade) for trade in few_accounts])
            by_aggregate = list(library.fold_by_aggregate(application, expected))
            by_notification = list(library.fold_by_notification(application))
        for folded in (by_aggregate, by_notification):
            assert {a.id: _state(a.account) for a in folded} == {i: _state(a) for i, a in expected.items()}
            assert [aggregate.version for aggregate in folded] == [30, 30, 30]

    def test_it_reads_more_than_one_page_of_notifications(self, few_accounts, tmp_path, monkeypatch):
        monkeypatch.setattr(library, "PAGE", 7)
        with SQLitePlace(tmp_path).fresh(library.TradingAccounts) as application:
            application.save(*[library.domain_event(trade) for trade in few_accounts])
            assert sum(aggregate.version for aggregate in library.fold_by_notification(application)) == COUNT

    def test_a_version_that_is_taken_is_refused_and_nothing_of_the_batch_stays(self, trades, place):
        events = [library.domain_event(trade) for trade in trades]
        with place.fresh(library.TradingAccounts) as application:
            application.save(events[0])
            with pytest.raises(IntegrityError):
                application.save(events[1], events[0])
            place.assert_stored(1)

    def test_an_acknowledged_event_that_is_lost_is_noticed(self, trades, tmp_path, monkeypatch):
        class Forgetful(SQLitePlace):
            def count(self) -> int:
                with closing(sqlite3.connect(tmp_path / "eventsourcing.sqlite3")) as connection, connection:
                    connection.execute("DELETE FROM stored_events WHERE rowid = 7")
                return super().count()

        monkeypatch.setattr(library, "SQLitePlace", Forgetful)
        with pytest.raises(AssertionError, match="20 events were acknowledged and 19 are there"):
            list(library.sqlite(trades, tmp_path, EFFORT))

    def test_sqlite_that_would_not_wait_for_the_disk_is_refused(self, tmp_path):
        place = SQLitePlace(tmp_path)
        with place.fresh(library.TradingAccounts) as application:
            assert place.durability(application) == "WAL, synchronous=FULL"
            with application.factory.datastore.get_connection(commit=False) as connection:
                connection.cursor().execute("PRAGMA synchronous = NORMAL")
            with pytest.raises(RuntimeError, match="synchronous=1"):
                place.durability(application)


class TestOneItemPerEvent:
    AMOUNTS = one_item_per_event.Amounts(warm_up=5, sequential=20, threads=40, transactions=60)

    def test_its_item_has_the_fields_of_ours_and_the_header(self, trades):
        executed = msgspec.structs.replace(trades[0].executed, order_id="an order")
        full = msgspec.structs.replace(trades[0], correlation_id="a", causation_id="b", executed=executed)
        expected = {"aggregate_id", "version", "type", *HEADER, *TradeExecuted.__struct_fields__}
        assert set(one_item_per_event.item_of(full)) == expected

    def test_dynamodb_is_measured(self, trades, dynamodb_url):
        figures = list(one_item_per_event.run(trades, dynamodb_url, self.AMOUNTS))
        assert [figure.metric.removeprefix("store.peer.one_item_") for figure in figures] == [
            "append_1_events_per_s",
            "lone_append_p50_ms",
            "lone_append_p99_ms",
            "append_8_threads_events_per_s",
            "transact_25_events_per_s",
            "transact_100_events_per_s",
        ]
        assert all(figure.value > 0 for figure in figures)
        tables = one_item_per_event.open_client(dynamodb_url).list_tables()["TableNames"]
        assert one_item_per_event.TABLE not in tables

    def test_a_version_that_is_taken_is_refused(self, trades, dynamodb_url):
        client = one_item_per_event.open_client(dynamodb_url)
        with one_item_per_event.fresh_table(client):
            one_item_per_event.put(client, trades[0])
            with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
                one_item_per_event.put(client, trades[0])
            with pytest.raises(ClientError, match="TransactionCanceledException"):
                one_item_per_event.put_together(client, trades[:3])
            one_item_per_event.assert_stored(client, 1)

    def test_an_acknowledged_event_that_is_lost_is_noticed(self, trades, dynamodb_url):
        client = one_item_per_event.open_client(dynamodb_url)
        with one_item_per_event.fresh_table(client):
            one_item_per_event.put_together(client, trades[:20])
            key = {name: one_item_per_event.item_of(trades[7])[name] for name in ("aggregate_id", "version")}
            client.delete_item(TableName=one_item_per_event.TABLE, Key=key)
            with pytest.raises(AssertionError, match="20 events were acknowledged and 19 are there"):
                one_item_per_event.assert_stored(client, 20)


class TestSizes:
    def test_every_format_is_measured(self, trades):
        figures = list(sizes.run(trades))
        assert [figure.metric.removeprefix("store.peer.") for figure in figures] == [
            "json_bytes_per_event",
            *(f"avro_{codec}_{size}_bytes_per_event" for codec in sizes.CODECS for size in sizes.BLOCK_SIZES),
        ]
        assert all(figure.value > 0 for figure in figures)

    def test_the_avro_schema_has_the_fields_of_ours_and_the_header(self):
        names = [field["name"] for field in sizes.SCHEMA["fields"]]
        assert names == ["aggregate_id", "version", *HEADER, *TradeExecuted.__struct_fields__]

    def test_plain_json_has_the_fields_of_ours_and_the_header(self, trades):
        found = msgspec.json.decode(sizes.plain_json(trades[0]))
        assert set(found) == {"aggregate_id", "first_version", *HEADER, "metadata", "type", "data"}
        assert msgspec.convert([found["type"] + "@1", *found["data"].values()], TradeExecuted) == trades[0].executed

    def test_a_field_that_the_avro_schema_lacks_is_noticed(self, trades):
        records = [{**sizes.record_of(trade), "tax": 1} for trade in trades]
        with pytest.raises(AssertionError, match="does not hold what was written"):
            sizes.container(records, codec="deflate", block_size=10)


def _metrics(name: str) -> list[str]:
    figures = (
        "append_1_events_per_s",
        "lone_append_p50_ms",
        "lone_append_p99_ms",
        "append_10_events_per_s",
        "append_40_events_per_s",
        "prepared_append_40_events_per_s",
        "replay_aggregates_events_per_s",
        "replay_notifications_events_per_s",
        "bytes_per_event",
    )
    return [f"store.peer.eventsourcing_{name}_{figure}" for figure in figures]


def _state(account: Account) -> dict[str, object]:
    return {name: getattr(account, name) for name in Account.__slots__}
