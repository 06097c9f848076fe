"""A server that does not answer is left alone, by all but one caller at a time."""

import threading
import time

import pytest

from edge.breaker import Breaker

SECONDS = 5.0


@pytest.fixture
def now():
    return [100.0]


@pytest.fixture
def breaker(now):
    return Breaker(SECONDS, clock=lambda: now[0])


def test_a_server_that_answers_is_asked_by_everybody(breaker):
    assert breaker.may_ask()
    assert not breaker.note(answered=True)
    assert [breaker.may_ask() for _ in range(3)] == [True] * 3


def test_one_that_does_not_is_left_alone_and_then_one_caller_finds_out(breaker, now):
    breaker.note(answered=False)
    now[0] += SECONDS - 0.001
    assert not breaker.may_ask()
    now[0] += 0.001
    assert [breaker.may_ask() for _ in range(3)] == [True, False, False]


def test_a_caller_who_never_says_what_came_of_it_is_followed_by_another(breaker, now):
    breaker.note(answered=False)
    for _ in range(2):
        now[0] += SECONDS
        assert [breaker.may_ask() for _ in range(2)] == [True, False]


def test_its_time_begins_anew_with_every_failure(breaker, now):
    breaker.note(answered=False)
    now[0] += SECONDS - 1
    breaker.note(answered=False)
    now[0] += SECONDS - 1
    assert not breaker.may_ask()


def test_an_answer_lets_everybody_ask_at_once(breaker):
    breaker.note(answered=False)
    breaker.note(answered=True)
    assert [breaker.may_ask() for _ in range(3)] == [True] * 3


def test_it_is_closed_as_long_as_nobody_says_otherwise(breaker, now):
    seen = [breaker.is_closed]
    breaker.note(answered=False)
    now[0] += SECONDS
    seen.append(breaker.may_ask() and breaker.is_closed)
    breaker.note(answered=True)
    assert [*seen, breaker.is_closed] == [True, False, True]


def test_it_says_what_is_new(breaker):
    answers = [True, False, False, True, True, False]
    assert [breaker.note(answered=answered) for answered in answers] == [False, True, False, True, False, True]


def test_of_many_threads_one_finds_out(now):
    class Instant(float):
        def __lt__(self, other):
            is_less = super().__lt__(other)
            time.sleep(0.01)  # Others come in between, if nothing keeps them from it.
            return is_less

    together = threading.Barrier(8)
    breaker = Breaker(SECONDS, clock=lambda: Instant(now[0]))
    breaker.note(answered=False)
    now[0] += SECONDS
    told = []

    def ask():
        together.wait()
        told.append(breaker.may_ask())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 7 + [True]
