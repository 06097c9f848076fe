"""Readiness: checks run at once, each bounded, each once at a time, and the answer is kept for a second."""

import asyncio

import pytest
from asgiref.sync import async_to_sync

from tradingplatform.health import readiness
from tradingplatform.health.readiness import Component, Readiness, Status, Unwell, worst


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(readiness, "CHECK_SECONDS_MAX", 0.5)
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)
    monkeypatch.setattr(readiness, "SLOW_SECONDS", 0.2)


async def well():
    return "answers"


def statuses(components):
    return {name: component.status for name, component in components.items()}


def test_every_component_has_a_status_milliseconds_and_a_sentence():
    async def late():
        await asyncio.sleep(0.3)
        return "answers"

    async def low():
        raise Unwell(Status.DOWN, "3 MB are left")

    async def refused():
        raise ConnectionError("connection refused\nmore of that")

    async def scenario():
        found = await Readiness({"well": well, "late": late, "low": low, "refused": refused}).report()
        assert statuses(found) == {"well": "ok", "late": "slow", "low": "down", "refused": "down"}
        assert [found[name].detail for name in found] == [
            "answers",
            "answers",
            "3 MB are left",
            "failed: connection refused",
        ]
        assert found["late"].milliseconds >= 300

    async_to_sync(scenario)()


def test_one_that_hangs_costs_the_others_nothing_and_is_asked_once():
    asked = []
    goes_on = asyncio.Event()

    async def hangs():
        asked.append("hangs")
        await goes_on.wait()
        return "answers"

    async def scenario():
        checks = Readiness({"hangs": hangs, "well": well})
        for _ in range(3):
            found = await checks.report()
            assert statuses(found) == {"hangs": "down", "well": "ok"}
            assert "has not answered for" in found["hangs"].detail
        assert asked == ["hangs"]
        goes_on.set()
        assert statuses(await checks.report()) == {"hangs": "slow", "well": "ok"}, "it took so long, and is back"
        assert statuses(await checks.report()) == {"hangs": "ok", "well": "ok"}

    async_to_sync(scenario)()


def test_however_many_ask_each_check_runs_once(monkeypatch):
    monkeypatch.setattr(readiness, "KEPT_SECONDS", 60)
    asked = []

    async def counted():
        asked.append(1)
        await asyncio.sleep(0.01)
        return "answers"

    async def scenario():
        checks = Readiness({"counted": counted})
        await asyncio.gather(*(checks.report() for _ in range(1_000)))
        await checks.report()
        assert len(asked) == 1
        monkeypatch.setattr(readiness, "KEPT_SECONDS", 0)
        await checks.report()
        assert len(asked) == 2

    async_to_sync(scenario)()


def test_a_caller_that_goes_away_takes_nothing_from_the_others():
    async def late():
        await asyncio.sleep(0.02)
        return "answers"

    async def scenario():
        checks = Readiness({"late": late})
        first = asyncio.create_task(checks.report())
        second = asyncio.create_task(checks.report())
        await asyncio.sleep(0)
        first.cancel()
        assert statuses(await second) == {"late": "ok"}

    async_to_sync(scenario)()


def test_the_whole_is_as_well_as_the_worst():
    def of(*found):
        return worst({str(n): Component(status, 1.0, "") for n, status in enumerate(found)})

    assert of() == of(Status.OK) == Status.OK
    assert of(Status.OK, Status.SLOW) == Status.SLOW
    assert of(Status.SLOW, Status.DOWN, Status.OK) == Status.DOWN
