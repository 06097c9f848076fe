"""The benchmark of time travel in its smallest form: every figure is there, and a lost event would be noticed."""

import pytest

from benchmarks import temporal
from tradingplatform.bootstrap import wire


@pytest.fixture
def small():
    yield temporal.SMALL
    wire()


def test_every_figure_is_measured(small):
    figures = {figure.metric: figure for figure in temporal.run(small)}
    spans = [f"{kind}_ms_{span}" for kind in ("p50", "p95") for span in temporal.SPANS_DAYS]
    assert set(figures) == {
        *(f"temporal.as_of_{temperature}{span}" for temperature in ("", "cold_") for span in spans),
        *(f"temporal.performance_ms_{span}" for span in temporal.SPANS_DAYS),
        "temporal.as_of_p95_ms",
        "temporal.as_of_flatness",
        "temporal.performance_every_event_ms_2_years",
        "temporal.replay_3k_s",
        "temporal.replay_3k_s_one_process",
    }
    assert all(figure.value > 0 for figure in figures.values())
    assert figures["temporal.as_of_p95_ms"].budget == "< 2"


def test_an_event_that_is_lost_is_noticed(tmp_path, monkeypatch):
    write = temporal._write_trades
    monkeypatch.setattr(temporal, "_write_trades", lambda folder, events: write(folder, events - 1))
    with pytest.raises(AssertionError, match="3000 events were written and 2999 replayed"):
        list(temporal._replays(tmp_path, 3_000))
