"""How many bulk commands a group takes: as many as are decided in a given time, by what the groups before took.

A group is what a single command waits for, so its time is bounded and not its size. Where writing is slow (a database
over a network), groups grow with it: deciding as long as writing takes costs nobody more than twice the wait.
"""

from typing import Final

from accounts.writer.limits import (
    BULK_COMMANDS_MIN,
    DECIDING_SECONDS_MAX,
    DECIDING_SECONDS_MIN,
    DECIDING_SECONDS_WHILE_SINGLES_WAIT,
    GROUP_COMMANDS_MAX,
)
from eventstore.writer.group_commit import GroupTimes

_WEIGHT: Final = 0.2
"""Of the latest group, in the running averages."""


class Pace:
    """Learns from every group how fast this writer is."""

    def __init__(self) -> None:
        self._seconds_a_command = DECIDING_SECONDS_MIN / 500
        self._writing_seconds = 0.0

    def bulk_commands(self, *, while_singles_wait: bool) -> int:
        """Return how many bulk commands the next group may take."""
        if while_singles_wait:
            seconds = DECIDING_SECONDS_WHILE_SINGLES_WAIT
        else:
            seconds = min(max(self._writing_seconds, DECIDING_SECONDS_MIN), DECIDING_SECONDS_MAX)
        return min(max(round(seconds / self._seconds_a_command), BULK_COMMANDS_MIN), GROUP_COMMANDS_MAX)

    def learn(self, commands: int, times: GroupTimes) -> None:
        """Take a group's times into account; one of a few commands says little about many, and is left out."""
        if commands < BULK_COMMANDS_MIN:
            return
        self._seconds_a_command += _WEIGHT * (times.deciding_seconds / commands - self._seconds_a_command)
        self._writing_seconds += _WEIGHT * (times.writing_seconds - self._writing_seconds)
