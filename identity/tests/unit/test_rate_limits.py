"""A bucket of requests for each key: how it empties, fills, is shared, and goes on alone."""

import redis

from identity.rate_limits import BUCKETS_MAX, RateLimits, RateLimitState, ValkeyBuckets
from tradingplatform.local.servers import EmbeddedValkey


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Nowhere:
    """Shared buckets that are away."""

    def sync(self, taken):
        raise redis.ConnectionError("away")


def limits(shared=None, clock=None, limit=60, key="key"):
    made = RateLimits(shared or Nowhere(), clock or Clock())
    made.know(key, name="prefix", limit=limit)
    return made


def allowed(limits, count, key="key"):
    return sum(limits.take(key).is_allowed for _ in range(count))


class TestOneProcess:
    def test_a_minutes_worth_is_allowed_at_once_and_then_the_rate(self):
        clock = Clock()
        alone = limits(clock=clock)
        assert allowed(alone, 100) == 60
        clock.now += 1.5
        assert allowed(alone, 100) == 1
        clock.now += 10
        assert allowed(alone, 100) == 10
        clock.now += 3_600
        assert allowed(alone, 100) == 60

    def test_a_standing_says_what_is_left_and_how_long_to_wait(self):
        clock = Clock()
        alone = limits(clock=clock, limit=120)
        assert alone.take("key") == RateLimitState(True, limit=120, remaining=119, reset_seconds=1, retry_after_ms=0)
        assert allowed(alone, 119) == 119
        clock.now += 0.125
        assert alone.take("key") == RateLimitState(False, limit=120, remaining=0, reset_seconds=60, retry_after_ms=375)
        clock.now += 0.375
        assert alone.take("key").is_allowed

    def test_a_refused_request_takes_nothing(self):
        clock = Clock()
        alone = limits(clock=clock)
        allowed(alone, 1_000)
        clock.now += 1
        assert allowed(alone, 5) == 1

    def test_a_key_that_is_not_known_or_has_no_limit_has_no_standing(self):
        alone = limits()
        assert alone.take("another") is None
        alone.know("key", name="prefix", limit=0)
        assert alone.take("key") is None

    def test_an_answered_request_counts_whatever_is_left(self):
        clock = Clock()
        alone = limits(clock=clock)
        allowed(alone, 60)
        assert alone.take("key", is_answered=True).is_allowed
        clock.now += 1
        assert not alone.take("key").is_allowed

    def test_a_changed_limit_counts_at_once(self):
        alone = limits()
        alone.know("key", name="prefix", limit=5)
        assert allowed(alone, 100) == 5

    def test_buckets_are_bounded_and_keep_no_key_in_plain(self):
        alone = limits()
        for number in range(BUCKETS_MAX + 10):
            alone.know(f"secret-{number}", name="prefix", limit=1)
        assert len(alone._buckets) == BUCKETS_MAX
        assert "secret" not in str(alone._buckets)


class TestShared:
    def test_processes_share_one_limit(self, valkey_url):
        first, second = (limits(ValkeyBuckets(valkey_url), limit=600) for _ in range(2))
        assert (allowed(first, 400), allowed(second, 150)) == (400, 150)
        assert (first.sync(), second.sync()) == (True, True)
        # 550 of 600 are gone; the clock of the server may have given a few back.
        assert 50 <= allowed(second, 600) <= 60

    def test_what_was_taken_too_much_is_a_debt(self, valkey_url):
        clock = Clock()
        first, second = (limits(ValkeyBuckets(valkey_url), clock, limit=60) for _ in range(2))
        assert (allowed(first, 60), allowed(second, 60)) == (60, 60)
        first.sync()
        second.sync()
        clock.now += 30
        assert allowed(second, 60) == 0
        clock.now += 40
        assert 10 <= allowed(second, 60) <= 15

    def test_what_is_taken_while_it_is_told_is_counted_once(self, valkey_url):
        clock = Clock()

        class Slow(ValkeyBuckets):
            def sync(self, taken):
                levels = super().sync(taken)
                assert allowed(slow, 10) == 10
                return levels

        slow = limits(Slow(valkey_url), clock, limit=60)
        assert allowed(slow, 20) == 20
        slow.sync()
        assert allowed(slow, 60) == 30

    def test_keys_do_not_share_and_nothing_is_told_twice(self, valkey_url):
        shared = ValkeyBuckets(valkey_url)
        one = limits(shared)
        one.know("other", name="another", limit=60)
        allowed(one, 60)
        one.sync()
        one.sync()
        assert allowed(one, 60, "other") == 60
        with redis.Redis.from_url(valkey_url) as client:
            assert sorted(client.keys("rate:*")) == [b"rate:prefix"]
            assert 0 <= float(client.hget("rate:prefix", "level")) < 5
            assert 0 < client.pttl("rate:prefix") <= 120_000

    def test_an_emptied_valkey_gives_nothing_back(self, valkey_url):
        one = limits(ValkeyBuckets(valkey_url))
        allowed(one, 59)
        with redis.Redis.from_url(valkey_url) as client:
            client.flushall()
        one.sync()
        assert allowed(one, 60) == 1


class TestValkeyAway:
    def test_each_process_goes_on_with_its_own_bucket(self):
        alone = limits()
        assert allowed(alone, 30) == 30
        assert not alone.sync()
        assert allowed(alone, 60) == 30

    def test_it_shares_again_when_valkey_is_back(self, tmp_path):
        server = EmbeddedValkey(tmp_path)
        url = server.start()
        clock = Clock()
        one = limits(ValkeyBuckets(url), clock, limit=60)
        try:
            allowed(one, 10)
            assert one.sync()
            server.stop()
            allowed(one, 10)
            assert not one.sync()
            assert server.start() == url
            allowed(one, 10)
            assert one.sync()
            assert allowed(one, 60) == 30
        finally:
            server.stop()
