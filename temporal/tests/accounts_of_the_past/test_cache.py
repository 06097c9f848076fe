"""The cache: it holds only what can never change, is bounded, and nothing depends on it."""

import pytest
import redis
from structlog.testing import capture_logs

from accounts.codec import dump_account
from accounts.domain.commands import DepositCash, ExecuteTrade, PlaceOrder
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from eventstore.engines.sqlite import SQLiteEngine
from temporal.as_of import cache as cache_module
from temporal.as_of.as_of import NOW, Moment, account_as_of
from temporal.as_of.cache import TTL_SECONDS, configured_cache
from temporal.tests.accounts_of_the_past.conftest import ADA, BOB, Past, instant
from tradingplatform.bootstrap import wire
from tradingplatform.local.servers import EmbeddedValkey

ORDER = "1f0e4a52-0000-4000-8000-000000000001"


class CountingEngine(SQLiteEngine):
    """Counts how often somebody asks for an account's page."""

    looks = 0

    def last_page(self, *args, **options):
        self.looks += 1
        return super().last_page(*args, **options)


@pytest.fixture
def entries(valkey_url, settings):
    """The entries that Redis holds: (key, field) to value."""
    settings.TEMPORAL_CACHE = True
    settings.REDIS_URL = valkey_url
    cache_module._cache.cache_clear()
    with redis.Redis.from_url(valkey_url) as client:
        yield lambda: {
            (key, field): value
            for key in client.scan_iter("temporal:*")
            for field, value in client.hgetall(key).items()
        }
    cache_module._cache.cache_clear()


@pytest.fixture
def traded(tmp_path):
    """4 at one o'clock, 5 at two."""
    made = Past(CountingEngine(tmp_path / "events")).open()
    yield made.at("2026-01-05T13:00:00Z").buy(10, 50).at("2026-01-05T14:00:00Z").buy(10, 50)
    wire()


def at(text):
    return Moment(at=instant(text))


def test_all_instants_between_two_events_share_an_entry(traded, entries):
    first = account_as_of(ADA, at("2026-01-05T13:00:00Z"))
    assert (first.version, len(entries())) == (4, 1)
    looks = traded.engine.looks
    for moment in (at("2026-01-05T13:59:59.999999Z"), at("2026-01-05T13:00:00.000001Z"), Moment(version=4)):
        assert account_as_of(ADA, moment) == first
    assert (traded.engine.looks, len(entries())) == (looks, 1)
    assert account_as_of(ADA, at("2026-01-05T12:59:59.999999Z")).version == 3
    assert account_as_of(ADA, at("2026-01-05T14:00:00Z")).version == 5


def test_what_is_kept_is_what_is_found_without_it(traded, entries, settings):
    moments = [Moment(version=version) for version in range(1, 6)]
    moments += [at(f"2026-01-05T{hour}:30:00Z") for hour in (12, 13, 14)]
    twice = [[account_as_of(ADA, moment) for moment in moments] for _ in range(2)]
    settings.TEMPORAL_CACHE = False
    assert twice == [[account_as_of(ADA, moment) for moment in moments]] * 2


def test_the_newest_state_is_kept_only_when_something_has_followed_it(traded, entries):
    for moment in (NOW, at("2026-01-05T14:00:00Z"), at("2026-01-05T20:00:00Z"), Moment(version=5)):
        assert account_as_of(ADA, moment).version == 5
    assert entries() == {}
    traded.at("2026-01-05T15:00:00Z").buy(1, 50)
    assert account_as_of(ADA, at("2026-01-05T20:00:00Z")).version == 6
    assert account_as_of(ADA, at("2026-01-05T14:30:00Z")).version == 5
    assert len(entries()) == 1


def test_the_last_state_of_a_quiet_account_is_kept_when_its_partition_has_moved_on(traded, entries):
    """BOB is in the same partition: nothing can be recorded before his deposit any more, once pages hold it."""
    assert traded.store.partition_of(ADA) == traded.store.partition_of(BOB)
    traded.at("2026-01-05T15:00:00Z").open(BOB)
    assert account_as_of(ADA, at("2026-01-05T14:30:00Z")).version == 5
    assert entries() == {}
    traded.make_pages()
    assert account_as_of(ADA, at("2026-01-05T14:30:00Z")).version == 5
    assert len(entries()) == 1
    traded.buy(1, 50)
    assert account_as_of(ADA, at("2026-01-05T15:00:00Z")).version == 6, "at the very instant there may be more to come"
    assert account_as_of(ADA, at("2026-01-05T14:59:59.999999Z")).version == 5


def test_versions_of_one_instant_are_told_apart(traded, entries):
    """An instant means the last of its versions; the others are found by their version alone."""
    order = PlaceOrder(ORDER, "mine", "KO", "BUY", 3 * SHARE, "LIMIT", "GTC", 400_000, None, 0)
    traded.at("2026-01-05T16:00:00Z").execute(ADA, order, ExecuteTrade("KO", "BUY", SHARE, 400_000, ORDER))
    traded.at("2026-01-05T17:00:00Z").buy(1, 50)
    for _ in range(2):
        assert [account_as_of(ADA, Moment(version=version)).version for version in range(1, 9)] == list(range(1, 9))
        assert account_as_of(ADA, at("2026-01-05T16:00:00Z")).version == 8
        assert account_as_of(ADA, at("2026-01-05T12:00:00Z")).version == 3
    assert len(entries()) == 8


def test_another_stores_accounts_are_never_found(traded, entries, tmp_path):
    account_as_of(ADA, Moment(version=4))
    Past(SQLiteEngine(tmp_path / "other")).open().buy(7, 50).buy(7, 50)
    other = account_as_of(ADA, Moment(version=4))
    assert other.state.positions["KO"].quantity == 7 * SHARE
    assert len({key for key, _ in entries()}) == 2


@pytest.mark.parametrize(
    "spoil", [lambda entry: b"", lambda entry: b"x" * 40, lambda entry: entry[:-1] + bytes([entry[-1] ^ 1])]
)
def test_an_entry_that_is_not_what_was_kept_is_ignored(traded, entries, settings, spoil):
    found = account_as_of(ADA, Moment(version=4))
    ((key, field),) = entries()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.hset(key, field, spoil(client.hget(key, field)))
    with capture_logs() as logs:
        assert account_as_of(ADA, Moment(version=4)) == found
        assert account_as_of(ADA, Moment(version=4)) == found
    assert [line["event"] for line in logs] == ["temporal.cache.entry_ignored"], "the second was kept anew"


def test_an_entry_of_another_account_is_ignored(traded, entries, settings):
    traded.open(BOB).execute(BOB, DepositCash(1, "")).execute(BOB, DepositCash(1, ""))
    account_as_of(ADA, Moment(version=4))
    expected = account_as_of(BOB, Moment(version=4))
    values = entries()
    ((key, field),) = [place for place in values if BOB.encode() in place[1]]
    (of_ada,) = [value for place, value in values.items() if ADA.encode() in place[1]]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.hset(key, field, of_ada)
    assert account_as_of(BOB, Moment(version=4)) == expected


def test_without_redis_the_answers_are_the_same_and_the_log_says_so_once(traded, entries, settings, tmp_path):
    server = EmbeddedValkey(tmp_path / "valkey")
    settings.REDIS_URL = server.start()
    found = account_as_of(ADA, Moment(version=4))
    cache = configured_cache()
    assert cache.find(ADA, at=None, version=4) is not None
    server.stop()
    with capture_logs() as logs:
        assert [account_as_of(ADA, Moment(version=4)) for _ in range(5)] == [found] * 5
    assert [line["event"] for line in logs] == ["temporal.cache.away"]


def test_redis_is_asked_again_after_a_while(traded, entries, settings, tmp_path):
    server = EmbeddedValkey(tmp_path / "valkey")
    seconds = [0.0]
    cache = cache_module.Cache(redis_url=server.start(), store_id="s", clock=lambda: seconds[0])
    kept = cache_module.Kept(4, 1, "ada", "c", "CashDeposited", "e", dump_account(Account()))
    cache.keep(ADA, kept, until=2)
    assert cache.find(ADA, at=None, version=4) == kept
    cache._breaker.note(answered=False)
    assert cache.find(ADA, at=None, version=4) is None
    seconds[0] = cache_module.AWAY_SECONDS
    assert cache.find(ADA, at=None, version=4) == kept
    server.stop()


def test_it_is_bounded_by_number_size_and_time(traded, entries, settings, monkeypatch):
    monkeypatch.setattr(cache_module, "ENTRIES_PER_SLOT", 3)
    for version in range(1, 5):
        account_as_of(ADA, Moment(version=version))
    assert len(entries()) == 3
    ((key, _), *_) = entries()
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert 0 < client.ttl(key) <= TTL_SECONDS
        client.expire(key, 100)
        account_as_of(ADA, at("2026-01-05T12:30:00Z"))
        account_as_of(ADA, Moment(version=1))
        assert client.ttl(key) <= 100, "a new entry does not make the others live longer"
        client.flushall()
    monkeypatch.setattr(cache_module, "ENTRY_BYTES_MAX", 100)
    account_as_of(ADA, Moment(version=4))
    assert entries() == {}


def test_it_is_off_unless_it_is_worth_it(traded, entries, settings):
    settings.TEMPORAL_CACHE = False
    assert account_as_of(ADA, Moment(version=4)).version == 4
    assert entries() == {}
