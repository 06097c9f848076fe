"""Rate limits over HTTP: what a key is told on each answer, and what it gets when it asks too often."""

import asyncio
import statistics
import time

import pytest
import redis
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from accounts.tests.integration.test_graphql import DEPOSIT, Api, events
from identity import recent_access
from identity.api_keys import create_api_key
from identity.models import ApiKey
from identity.rate_limits import hold_to_rate_limits, rate_limits

pytestmark = pytest.mark.django_db(transaction=True)

HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
ADDED_MICROSECONDS_MAX = 50


@pytest.fixture
def ada(store):
    return Api("ada")


def with_limit(api, requests_per_minute):
    api.key = create_api_key(user=api.user, name="bot", requests_per_minute=requests_per_minute)
    return api


def shown(answer):
    return tuple(int(answer[name]) for name in HEADERS)


def get(api, path="/api/accounts"):
    return Client().get(path, headers={"Authorization": f"Bearer {api.key}"})


def test_every_answer_to_a_key_says_where_it_stands(ada):
    with_limit(ada, 60)
    assert shown(get(ada)) == (60, 59, 1)
    assert shown(ada.post("{ viewer { username } }"))[:2] == (60, 58)
    assert shown(get(ada, "/api/accounts/0b5c1f3e-0000-4000-8000-00000000000a"))[:2] == (60, 57)


def test_the_platforms_limit_is_the_one_of_keys_without_their_own(ada, settings, monkeypatch):
    monkeypatch.setattr(recent_access, "ACCESS_SECONDS", 0)  # Nothing is remembered.
    assert shown(get(ada))[:2] == (6_000, 5_999)
    settings.API_KEY_REQUESTS_PER_MINUTE = 10
    assert shown(get(ada))[0] == 6_000
    assert shown(get(ada))[0] == 10


def test_sessions_and_keys_that_are_none_or_have_no_limit_are_told_nothing(ada):
    browser = Client()
    browser.force_login(ada.user, backend="django.contrib.auth.backends.ModelBackend")
    ada.key = "tp_000000000000_" + "x" * 43
    unknown = get(ada)
    assert unknown.status_code == 401
    for answer in (browser.get("/api/accounts"), unknown, get(with_limit(ada, 0))):
        assert [name for name in HEADERS if name in answer] == []


def test_rest_answers_a_problem_over_the_limit(ada):
    with_limit(ada, 2)
    assert [get(ada).status_code for _ in range(4)] == [200, 200, 429, 429]
    answer = get(ada)
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == ("RATE_LIMITED", 429)
    assert 1 <= int(answer["Retry-After"]) <= 30
    assert shown(answer)[:2] == (2, 0)
    assert "2 requests a minute" in problem["detail"]


def test_graphql_answers_an_error_with_its_code_and_nothing_is_executed(ada, store):
    account_id = ada.open()
    with_limit(ada, 1)
    before = len(events(store))
    assert ada.run(DEPOSIT, accountId=account_id, amount="1")["__typename"] == "CashDeposited"
    answer = ada.post(DEPOSIT, {"accountId": account_id, "amount": "1"})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert 55_000 < error["extensions"]["retry_after_ms"] <= 60_000
    assert (int(answer["Retry-After"]), shown(answer)[:2]) == (60, (1, 0))
    assert len(events(store)) == before + 1


def test_one_key_does_not_spend_anothers_requests(ada):
    first = with_limit(ada, 1).key
    assert [get(ada).status_code for _ in range(2)] == [200, 429]
    with_limit(ada, 1)
    assert get(ada).status_code == 200
    ada.key = first
    assert get(ada).status_code == 429


def test_it_is_the_same_under_an_asynchronous_server(ada):
    with_limit(ada, 2)

    async def statuses():
        client = AsyncClient()
        headers = {"Authorization": f"Bearer {ada.key}"}
        answers = [await client.get("/api/accounts", headers=headers) for _ in range(3)]
        return [(answer.status_code, shown(answer)[1]) for answer in answers]

    assert async_to_sync(statuses)() == [(200, 1), (200, 0), (429, 0)]


def test_valkey_learns_what_was_taken(ada, settings):
    """The thread of this process tells it, without anybody asking."""
    with_limit(ada, 100)
    assert [get(ada).status_code for _ in range(3)] == [200] * 3
    name = "rate:" + ApiKey.objects.latest("pk").prefix
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        deadline = time.monotonic() + 10
        while float(client.hget(name, "level") or 100) > 98 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert 97 <= float(client.hget(name, "level")) < 98.5


def test_it_adds_less_than_fifty_microseconds_to_a_request():
    rate_limits().know("key", name="measured", limit=10_000_000)
    request = RequestFactory().get("/api/accounts", headers={"Authorization": "Bearer key"})

    async def view(_):
        return HttpResponse()

    async def median(handler):
        seconds = []
        for _ in range(2_000):
            begun = time.perf_counter()
            await handler(request)
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds)

    async def added():
        return await median(hold_to_rate_limits(view)) - await median(view)

    microseconds = asyncio.run(added()) * 1e6
    assert microseconds < ADDED_MICROSECONDS_MAX
    rate_limits().know("key", name="measured", limit=0)
