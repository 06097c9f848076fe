"""Pushing prices and operating the market over GraphQL and the command line: who may, what is refused, what is kept."""

import json
import time
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command

from accounts.tests.integration.test_graphql import Api
from identity.api_keys import create_api_key
from identity.permissions import COMPLIANCE, FEED, INTEGRATOR, OPERATOR, VIEWER
from market import replay_file
from market.feeds.pushed import CHANGED_KEY, HELD_KEY
from market.replay_file import open_replay, read_replay

pytestmark = pytest.mark.django_db(transaction=True)

PUSH = "mutation($input: QuoteBatch!) { pushQuotes(quotes: $input) { accepted refused outcomes } }"
CLOCK = "{ isChanged clock { at marketTime date phase isPaused secondsPerDay } }"
PAUSE = f"mutation {{ pauseMarket(reason: %s) {CLOCK} }}"
RESUME = f"mutation {{ resumeMarket(reason: %s) {CLOCK} }}"
SPEED = f"mutation {{ setMarketSpeed(secondsPerDay: %s, reason: %s) {CLOCK} }}"


@pytest.fixture
def store():
    """None is needed."""


@pytest.fixture
def valkey(settings, valkey_url):
    settings.REDIS_URL = valkey_url
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def fay(store):
    return Api("fay", role=FEED)


@pytest.fixture
def olga(store):
    return Api("olga", role=OPERATOR)


@pytest.fixture
def market(settings, tmp_path):
    """A replay that began a minute ago."""
    settings.DATA_DIR = tmp_path
    began_us = time.time_ns() // 1_000 - 60_000_000
    return open_replay(data_dir=tmp_path, seconds_per_day=1_200, start_date=date(2019, 1, 2), now_us=began_us)


def push(api, *entries):
    answer = api.post(PUSH, list(entries)).json()
    assert "errors" not in answer, answer
    return answer["data"]["pushQuotes"]


def ask(api, query):
    answer = api.post(query).json()
    assert "errors" not in answer, answer
    ((_, found),) = answer["data"].items()
    return found


def error(api, query, input=None):
    (found,) = api.post(query, input).json()["errors"]
    return found["extensions"]["code"], found["message"]


def test_a_bad_entry_fails_alone_and_the_answers_are_in_order(fay, valkey):
    now = datetime.now(UTC)
    found = push(
        fay,
        {"symbol": "KO", "price": "50.25", "at": now.isoformat()},
        {"symbol": "NOPE", "price": "1"},
        {"symbol": "PG", "bid": "90.10", "ask": "90.12", "bidSize": "100", "askSize": "300"},
        None,
        {"symbol": "KO", "price": "49", "at": (now - timedelta(seconds=1)).isoformat()},
        {"symbol": "KO", "price": 12},
        {"symbol": "K\0", "price": "12"},
        {"symbol": "KO", "price": "12", "at": "0001-01-01T00:00:00Z"},
    )
    assert (found["accepted"], found["refused"]) == (2, 6)
    codes = [each and each["code"] for each in found["outcomes"]]
    assert codes == [
        *(None, "UNKNOWN_SYMBOL", None, "INVALID_QUOTE"),
        *("OLDER_THAN_HELD", "INVALID_QUOTE", "UNKNOWN_SYMBOL", "INSTANT_TOO_OLD"),
    ]
    assert valkey.hkeys(HELD_KEY) == ["KO", "PG"]
    assert valkey.smembers(CHANGED_KEY) == {"KO", "PG"}
    assert valkey.hget(HELD_KEY, "KO").split()[2] == "502500"


def test_a_thousand_quotes_are_taken_and_one_more_is_refused_as_a_whole(fay, valkey):
    entries = [{"symbol": "KO", "price": f"{50 + number}"} for number in range(1_001)]
    assert push(fay, *entries[:1_000])["accepted"] == 1_000
    before = valkey.hget(HELD_KEY, "KO")
    assert error(fay, PUSH, entries) == (
        "BAD_REQUEST",
        "1,000 quotes at most in one request, found 1,001: send several",
    )
    assert error(fay, PUSH, {"symbol": "KO"})[0] == "BAD_REQUEST"
    assert valkey.hget(HELD_KEY, "KO") == before


@pytest.mark.parametrize("role", [None, VIEWER, INTEGRATOR, COMPLIANCE])
def test_who_has_not_the_right_pushes_nothing_and_operates_nothing(store, role, valkey, market, tmp_path):
    api = Api("eve", role=role)
    assert error(api, PUSH, [{"symbol": "KO", "price": "1"}])[0] == "FORBIDDEN"
    assert error(api, PAUSE % '"x"')[0] == "FORBIDDEN"
    assert error(api, RESUME % '"x"')[0] == "FORBIDDEN"
    assert error(api, SPEED % (60, '"x"'))[0] == "FORBIDDEN"
    assert not valkey.exists(HELD_KEY)
    assert read_replay(tmp_path) == market


def test_a_feed_operates_nothing_and_a_key_for_reading_pushes_nothing(fay, valkey, market, tmp_path):
    needed = "your role on the platform is feed: this needs operator or superuser"
    assert error(fay, PAUSE % '"x"') == ("FORBIDDEN", needed)
    fay.key = create_api_key(user=fay.user, name="reader", scope="read")
    assert error(fay, PUSH, [{"symbol": "KO", "price": "1"}])[0] == "FORBIDDEN"
    assert not valkey.exists(HELD_KEY)
    assert read_replay(tmp_path) == market


def test_without_valkey_a_push_says_so(fay, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert error(fay, PUSH, [{"symbol": "KO", "price": "1"}])[0] == "MARKET_UNAVAILABLE"


def test_an_operator_pauses_resumes_and_sets_the_speed_and_it_is_recorded(olga, market, tmp_path):
    paused = ask(olga, PAUSE % '"a drill"')
    assert (paused["isChanged"], paused["clock"]["phase"], paused["clock"]["isPaused"]) == (True, "PAUSED", True)
    again = ask(olga, PAUSE % '"again"')
    assert (again["isChanged"], again["clock"]["marketTime"]) == (False, paused["clock"]["marketTime"])
    slower = ask(olga, SPEED % (2_400, '"slower"'))
    assert (slower["clock"]["secondsPerDay"], slower["clock"]["phase"]) == (2_400, "PAUSED")
    resumed = ask(olga, RESUME % '"over"')
    assert (resumed["clock"]["phase"], resumed["clock"]["marketTime"]) == ("OPEN", paused["clock"]["marketTime"])
    recorded = read_replay(tmp_path).segments[1:]
    assert [each.reason for each in recorded] == ["a drill", "slower", "over"]
    assert {each.actor.split("/key:")[0] for each in recorded} == {f"user:{olga.user.pk}/olga"}


def test_what_cannot_be_is_refused_and_changes_nothing(olga, market, tmp_path):
    assert error(olga, SPEED % (1, '"x"'))[0] == "BAD_REQUEST"
    assert error(olga, PAUSE % '" "')[0] == "BAD_REQUEST"
    assert read_replay(tmp_path) == market


def test_a_market_that_never_ran_is_not_paused(olga, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    code, message = error(olga, PAUSE % '"x"')
    assert (code, "never ran here" in message) == ("MARKET_UNAVAILABLE", True)


def rest(api, **parameters):
    return api.client.get("/api/market/clock", parameters, headers={"Authorization": f"Bearer {api.key}"})


def test_the_clock_says_what_the_market_did_at_any_instant_of_the_past(olga, market):
    begun = market.began_us / 1_000_000
    iso = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(begun) + 30))
    before = rest(olga, at=f"{iso}Z").json()
    assert (before["phase"], before["date"], before["seconds_per_day"]) == ("OPEN", "2019-01-02", 1_200)
    assert before["market_time"].startswith("2019-01-02T14:")
    ask(olga, PAUSE % '"a drill"')
    now = rest(olga).json()
    assert (now["phase"], now["is_paused"]) == ("PAUSED", True)
    assert now["market_time"] > before["market_time"]
    assert rest(olga, at=f"{iso}Z").json() == before, "what was, stays"
    assert rest(olga, at="2001-01-01T00:00:00Z").json() == {
        "at": "2001-01-01T00:00:00.000000Z",
        "market_time": None,
        "date": None,
        "phase": "STALE",
        "is_paused": False,
        "seconds_per_day": None,
    }
    assert rest(olga, at="2190-01-01T00:00:00Z").status_code == 400
    assert olga.client.get("/api/market/clock").status_code == 401


def test_a_market_without_a_replay_is_in_real_time(olga, market, settings):
    settings.MARKET_REPLAY = False
    found = rest(olga).json()
    assert (found["phase"], found["at"], found["seconds_per_day"]) == ("OPEN", found["market_time"], None)


def test_a_clock_that_cannot_be_read_is_an_error_with_a_code(olga, market, tmp_path):
    (tmp_path / "market_replay.json").write_text("{")
    answer = rest(olga)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (503, "MARKET_UNAVAILABLE")


def command(*arguments):
    out = StringIO()
    call_command("market", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_line_does_the_same(market, tmp_path, valkey, fay):
    assert "phase: OPEN" in command("status")
    assert "phase: PAUSED" in command("pause", "--reason", "night")
    assert "nothing was recorded" in command("pause", "--reason", "night")
    assert "seconds per day: 60\n" in command("speed", "60", "--reason", "faster")
    assert "phase: OPEN" in command("resume", "--reason", "morning")
    assert [each.actor for each in read_replay(tmp_path).segments[1:]] == ["platform/command line"] * 3
    with pytest.raises(CommandError, match="2 to 604800 seconds, found 1"):
        command("speed", "1", "--reason", "x")
    push(fay, {"symbol": "KO", "price": "50"})
    assert command("forget", "KO", "PG") == "forgot the pushed prices of 1 symbols\n"
    assert not valkey.exists(HELD_KEY)


def test_a_replay_that_was_changed_too_often_is_one_clear_error(settings, market, monkeypatch):
    monkeypatch.setattr(replay_file, "SEGMENTS_MAX", 1)
    settings.MARKET_SECONDS_PER_DAY = 600
    settings.MARKET_START_DATE = "2019-01-02"
    with pytest.raises(CommandError, match=r"market_replay.json takes no more: remove it to begin anew"):
        call_command("run_market")
