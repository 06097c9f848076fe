"""Work that takes long has one clock, and lets everybody else go on in between."""

import asyncio
import contextvars
import threading

import pytest

from edge import turns
from edge.tests.turns import WorkTime, turns_during
from edge.turns import WOKEN_AT_ONCE, turn, turn_clock


@pytest.fixture
def now(monkeypatch):
    found = WorkTime()
    monkeypatch.setattr(turns, "time", found)
    return found


MILLISECOND = 0.001


def test_who_takes_long_lets_others_have_their_turn_and_who_does_not_goes_on(now):
    async def work(steps, seconds):
        for _ in range(steps):
            await turn()
            now.work(seconds)

    for steps, milliseconds, least in ((0, 1, 0), (1, 100, 0), (2, 1, 0), (100, 1, 30), (10, 100, 9), (1_000, 0, 0)):
        _, had = asyncio.run(turns_during(work(steps, milliseconds * MILLISECOND)))
        assert (had >= least) if least else (had == 0)


def test_a_turn_begins_anew_with_every_pass_of_the_loop(now):
    async def main():
        clock = turn_clock()
        assert not clock.is_over()
        now.work(3 * MILLISECOND)
        assert clock.is_over()
        await asyncio.sleep(0)
        assert not clock.is_over()

    asyncio.run(main())


def in_passes(now, count, seconds):
    """Let so many tasks of one work do something at once; return how much was done in each pass, and their order."""

    async def main():
        clock, passes, order = turn_clock(), [0.0], []

        async def task(number):
            await turn()
            now.work(seconds)
            passes[-1] += seconds
            order.append(number)

        def next_pass():
            passes.append(0.0)
            asyncio.get_running_loop().call_soon(next_pass)

        assert not clock.is_over()
        next_pass()
        await asyncio.gather(*(task(number) for number in range(count)))
        return [each for each in passes if each], order

    return asyncio.run(main())


def test_tasks_of_one_work_share_its_turn_and_wait_in_their_order(now):
    passes, order = in_passes(now, 400, MILLISECOND)
    assert max(passes) <= 3 * MILLISECOND + 1e-9
    assert sum(passes) == pytest.approx(0.4)
    assert order == list(range(400))


def test_tasks_that_do_little_go_on_together(now):
    passes, order = in_passes(now, 400, MILLISECOND / 100)
    assert len(passes) <= 2 + 400 // WOKEN_AT_ONCE
    assert order == list(range(400))


def test_one_that_is_cancelled_while_it_waits_holds_nobody_up(now):
    async def main():
        done = []

        async def task(number):
            await turn()
            now.work(3 * MILLISECOND)
            done.append(number)

        turn_clock()
        tasks = [asyncio.create_task(task(number)) for number in range(100)]
        await asyncio.sleep(0)
        for each in tasks[1:60]:
            each.cancel()
        await asyncio.wait(tasks)
        return done

    assert asyncio.run(main()) == [0, *range(60, 100)]


def test_works_of_their_own_do_not_wait_for_one_another(now):
    async def main():
        clocks = []

        async def other():
            clocks.append(turn_clock())

        await asyncio.gather(*(asyncio.create_task(other(), context=contextvars.Context()) for _ in range(2)))
        return clocks

    first, second = asyncio.run(main())
    assert first is not second


def test_a_context_that_goes_on_in_another_thread_has_another_clock_there():
    async def main():
        clock, found = turn_clock(), []

        async def there():
            await turn()
            found.append(turn_clock())

        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(asyncio.run, there()))
        thread.start()
        await asyncio.to_thread(thread.join, 5)
        assert turn_clock() is clock
        return clock, found

    clock, found = asyncio.run(main())
    assert len(found) == 1
    assert clock not in found
