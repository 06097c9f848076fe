"""Chaos in short: every process of a platform as `make run` starts it is killed, under load, and then some at once.

`make chaos` does the same for minutes. That its counting finds what it is for is shown in test_counting.py.
"""

from tests.chaos.chaos import run
from tests.chaos.target import Target

EVERYTHING = {
    "backoffice",
    "beat",
    "market",
    "postgresql",
    "projector",
    "snapshotter",
    "standby",
    "traders",
    "valkey",
    "venue",
    "web",
    "writer",
}


def test_nothing_acknowledged_is_lost_whatever_is_killed(tmp_path):
    said = []
    summary = run(Target(tmp_path / "data"), seconds=30, seed=16, say=said.append, waits_for_health=False)
    assert summary.problems == [], "\n".join([*said, *summary.lines()])
    assert summary.kills.keys() == EVERYTHING
    assert summary.asked_again > 0, "the kills hit nothing"
    assert summary.acknowledged > 500
    assert summary.follower_connections > 1
