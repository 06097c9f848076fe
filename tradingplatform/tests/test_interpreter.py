"""Garbage is looked for after an answer: seldom, and of the older generations as seldom as Python does."""

import gc

import pytest

from tradingplatform import interpreter


@pytest.mark.parametrize(
    ("counts", "collected"),
    [((999, 10, 50), []), ((1_000, 9, 50), [2]), ((1_000, 9, 49), [0]), ((1_000, 10, 49), [1]), ((5_000, 10, 50), [2])],
)
def test_what_is_due_is_collected(monkeypatch, counts, collected):
    found = []
    monkeypatch.setattr(gc, "get_count", lambda: counts)
    monkeypatch.setattr(gc, "collect", found.append)
    interpreter.collect_garbage()
    assert found == collected


def test_cycles_go():
    class Cycle:
        def __init__(self):
            self.itself = self

    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(1_000_000)
    try:
        for _ in range(2_000):
            Cycle()
        interpreter.collect_garbage()
        assert gc.get_count()[0] < 1_000
    finally:
        gc.set_threshold(*thresholds)
