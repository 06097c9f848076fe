"""The pace of groups: bounded by time, whatever a command takes."""

import pytest

from accounts.writer.lanes import Pace
from accounts.writer.limits import BULK_COMMANDS_MIN, GROUP_COMMANDS_MAX
from eventstore.writer.group_commit import GroupTimes


def learned(seconds_a_command, writing_seconds):
    pace = Pace()
    for _ in range(100):
        pace.learn(1_000, GroupTimes(1_000 * seconds_a_command, writing_seconds))
    return pace


@pytest.mark.parametrize(
    ("seconds_a_command", "writing_seconds", "alone", "beside_singles"),
    [
        (20e-6, 0.002, 250, 150),
        (10e-6, 0.002, 500, 300),
        (10e-6, 0.040, 4_000, 300),
        (10e-6, 2.0, GROUP_COMMANDS_MAX, 300),
        (50e-6, 2.0, 2_000, 100),
        (1e-3, 0.002, BULK_COMMANDS_MIN, BULK_COMMANDS_MIN),
    ],
)
def test_a_group_takes_what_can_be_decided_in_its_time(seconds_a_command, writing_seconds, alone, beside_singles):
    pace = learned(seconds_a_command, writing_seconds)
    assert pace.bulk_commands(while_singles_wait=False) == pytest.approx(alone, rel=0.01)
    assert pace.bulk_commands(while_singles_wait=True) == pytest.approx(beside_singles, rel=0.01)


def test_a_group_of_a_few_commands_says_nothing():
    pace = learned(20e-6, 0.002)
    before = pace.bulk_commands(while_singles_wait=False)
    for _ in range(100):
        pace.learn(BULK_COMMANDS_MIN - 1, GroupTimes(1.0, 1.0))
    assert pace.bulk_commands(while_singles_wait=False) == before
