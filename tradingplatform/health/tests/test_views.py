"""The two addresses, on real servers: what is down is told, to strangers in a word, and nobody hangs meanwhile."""

import gc
import os
import signal

import pytest
import redis
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import AsyncClient, RequestFactory

from readmodels import pulse
from readmodels.models import ProjectionCheckpoint
from tradingplatform.health import readiness, views
from tradingplatform.local.servers import EmbeddedValkey

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ["postgresql", "valkey", "event_store", "projector", "beat", "venue", "disk"]


@pytest.fixture(autouse=True)
def _end_connections():
    """Each test has event loops of its own, and their connections go with them."""
    yield
    views._readiness.clear()
    gc.collect()


@pytest.fixture
def alive(valkey_url, monkeypatch):
    """Every process that cannot be asked has just given a sign of life, and a machine that is busy is no matter."""
    monkeypatch.setattr(readiness, "SLOW_SECONDS", 60)
    monkeypatch.setattr(readiness, "CHECK_SECONDS_MAX", 5)
    monkeypatch.setattr(pulse, "_given_at", {})
    pulse.give_pulse(pulse.PROJECTOR)
    pulse.give_pulse(pulse.BEAT)


def ask(path="/api/health/ready", **headers):
    return async_to_sync(AsyncClient().get)(path, headers=headers)


def test_when_all_is_well_every_component_says_so(alive):
    answer = ask()
    found = answer.json()
    assert answer.status_code == 200, found
    assert found["status"] == "ok"
    assert list(found["components"]) == NAMES
    for component in found["components"].values():
        assert component["status"] == "ok"
        assert component["milliseconds"] >= 0
        assert component["detail"]
    assert found["components"]["projector"]["detail"] == "up to date"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_whoever_comes_through_a_proxy_is_told_words_and_no_more(alive, header):
    found = ask(**{header: "203.0.113.9"}).json()
    assert found["components"] == {name: {"status": "ok"} for name in NAMES}


@pytest.mark.parametrize(
    ("address", "is_here"),
    [("127.0.0.1", True), ("::1", True), ("203.0.113.9", False), ("10.0.0.1", False), ("", False), ("unix:", False)],
)
def test_only_this_machine_is_told_more_than_words(address, is_here):
    request = RequestFactory().get("/api/health/ready", REMOTE_ADDR=address)
    assert views.is_asked_from_here(request) is is_here


def test_a_process_that_was_not_heard_of_is_down_and_the_answer_is_503(alive, valkey_url):
    with redis.Redis.from_url(valkey_url) as client:
        client.delete(cache.make_key(pulse.BEAT))
        client.pexpire(cache.make_key(pulse.PROJECTOR), (pulse.KEPT_SECONDS - 30) * 1_000)
    answer = ask()
    components = answer.json()["components"]
    assert (answer.status_code, answer.json()["status"], answer.headers["Retry-After"]) == (503, "down", "1")
    assert components["beat"]["detail"] == "has not been heard of since Valkey started"
    assert components["projector"]["detail"] == "was heard of 30 s ago"
    assert components["valkey"]["status"] == "ok"


def test_a_partition_that_has_stopped_is_told(alive):
    ProjectionCheckpoint.objects.create(partition=3, seq=1, stopped_because="a hole")
    found = ask().json()["components"]["projector"]
    assert (found["status"], "partitions [3] have stopped" in found["detail"]) == ("down", True)


def test_a_server_that_hangs_or_is_away_is_told_and_keeps_nobody_waiting(alive, settings, tmp_path, monkeypatch):
    """Away, hanging, and back, as in one web process."""
    monkeypatch.setattr(readiness, "CHECK_SECONDS_MAX", 1)
    server = EmbeddedValkey(tmp_path)
    settings.REDIS_URL = server.start()

    async def scenario():
        client = AsyncClient()

        async def valkey():
            for checks in views._readiness.values():
                checks._reported_at = float("-inf")
            answer = await client.get("/api/health/ready")
            return answer.json()["components"]["valkey"]["status"]

        assert await valkey() == "ok"
        os.kill(server.pid, signal.SIGSTOP)
        assert await valkey() == "down"
        os.kill(server.pid, signal.SIGCONT)
        while await valkey() == "down":  # The answer to what was asked before.
            pass
        server.stop()
        assert await valkey() == "down"
        server.start()
        assert await valkey() == "ok"

    async_to_sync(scenario)()
    server.stop()


def test_live_asks_nothing_of_anybody(settings, django_assert_num_queries):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_assert_num_queries(0):
        answer = ask("/api/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/api/health/live", "/api/health/ready"])
def test_nothing_can_be_posted_there(path):
    assert async_to_sync(AsyncClient().post)(path).status_code == 405
