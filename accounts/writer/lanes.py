"""The writer's queue: two lanes, single commands before bulk, bounded.

Pure bookkeeping: it owns neither sockets nor threads. A request is answered as a whole, when its last command is done.

Commands of a bulk request come out partition by partition, those of one partition in their order: so what an account is
asked happens in the order of asking, and a group has few large batches instead of a small one of every partition.
"""

import time
from collections import deque
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from accounts.kernels.answers import OUTCOME, SAID_ELSEWHERE
from accounts.writer.bus.wire import BusReply, BusRequest
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import BriefResult, Result
from accounts.writer.limits import (
    BULK_COMMANDS_MIN,
    DECIDING_SECONDS_MAX,
    DECIDING_SECONDS_MIN,
    DECIDING_SECONDS_WHILE_SINGLES_WAIT,
    GROUP_COMMANDS_MAX,
    QUEUED_COMMANDS_MAX,
)
from accounts.writer.outcomes import BatchResults
from eventstore.kernels.partitions import places_by_partition
from eventstore.writer.group_commit import GroupTimes

Places = NDArray[np.int64]
"""Places of commands in their request."""


class PendingRequest:
    """A request that is being worked on: whom to answer, and how far it is."""

    __slots__ = ("_others", "_results", "_rows", "_unanswered", "arrived_at", "caller", "places", "request", "taken")

    def __init__(self, caller: bytes, request: BusRequest) -> None:
        count = len(request.commands)
        self.arrived_at = time.perf_counter()
        self.caller = caller
        self.request = request
        self.places: Places = np.arange(count)
        """The places of the commands in the request, in the order in which they are taken."""
        self.taken = 0
        self._unanswered = count
        self._results: list[Result | None] = [] if request.is_brief else [None] * count
        self._rows = np.zeros(count if request.is_brief else 0, OUTCOME)
        self._others: dict[int, BriefResult] = {}
        for place, told in request.unread.items():
            self._tell(place, told)
        if request.unread:
            self.places = np.delete(self.places, list(request.unread))

    @property
    def is_answered(self) -> bool:
        """Whether every command has its result."""
        return self._unanswered == 0

    def order_by_partition(self, partition_count: int) -> None:
        """Let the commands come out partition by partition."""
        self.places, _ = places_by_partition(self.request.commands.aggregate_ids, self.places, partition_count)

    def take(self, count: int) -> Places:
        """Return the places of the next commands in the request, at most `count`."""
        places = self.places[self.taken : self.taken + count]
        self.taken += len(places)
        return places

    def commands(self, places: Places) -> AccountCommands:
        """Return the commands at places that were taken: a lone one is the request's, and needs no copy."""
        commands = self.request.commands
        return commands if len(commands) == 1 else commands.take(places)

    def answer(self, places: Places, results: list[Any] | BatchResults) -> None:
        """Note the results of commands, in full, or in their short form: whichever was asked for."""
        if isinstance(results, BatchResults):
            self._rows[places] = results.rows
            self._others |= {int(places[place]): told for place, told in results.others.items()}
        else:
            for place, result in zip(places.tolist(), results, strict=True):
                self._results[place] = result
        self._unanswered -= len(places)

    def reply(self) -> BusReply:
        """Return the answer to a request that is done."""
        assert self.is_answered, "every command has its result"
        if self.request.is_brief:
            return BusReply(self.request.request_id, batch=BatchResults(self._rows, self._others))
        return BusReply(self.request.request_id, self._results)  # type: ignore[arg-type]

    def _tell(self, place: int, told: Any) -> None:
        if self.request.is_brief:
            self._rows["code"][place] = SAID_ELSEWHERE
            self._others[place] = told
        else:
            self._results[place] = told
        self._unanswered -= 1


_WEIGHT: Final = 0.2
"""Of the latest group, in the running averages."""


class Pace:
    """How many bulk commands a group takes: as many as are decided in a given time, by what the groups before took.

    A group is what a single command waits for, so its time is bounded and not its size. Where writing is slow (a
    database over a network), groups grow with it: deciding as long as writing takes costs nobody more than twice the
    wait.
    """

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


class Lanes:
    """Commands that wait for the writer."""

    def __init__(self, partition_count: int) -> None:
        self.queued = 0
        self._partition_count = partition_count
        self._singles: deque[PendingRequest] = deque()
        self._bulk: deque[PendingRequest] = deque()
        self._has_bulk_waited = False

    def __bool__(self) -> bool:
        return self.queued > 0

    @property
    def bulk_requests(self) -> int:
        """How many requests wait in the bulk lane."""
        return len(self._bulk)

    def offer(self, pending: PendingRequest) -> bool:
        """Queue a request; False when it does not fit any more, and nothing of it was queued."""
        count = len(pending.places)
        if self.queued + count > QUEUED_COMMANDS_MAX:
            return False
        if pending.request.is_bulk:
            pending.order_by_partition(self._partition_count)
            self._bulk.append(pending)
        else:
            self._singles.append(pending)
        self.queued += count
        return True

    def next_group(self, pace: Pace) -> list[tuple[PendingRequest, Places]]:
        """Return what to decide together now, in order: requests with the places of their commands.

        Every single command first, alone: it waits for no bulk but what is being written when it comes. So that many of
        them do not keep bulk out, the next group takes bulk as paced, whoever else is in it.
        """
        group: list[tuple[PendingRequest, Places]] = []
        count = 0
        while self._singles and count < GROUP_COMMANDS_MAX:
            single = self._singles.popleft()
            group.append((single, single.take(1)))
            count += 1
        if group and self._bulk and not self._has_bulk_waited:
            self._has_bulk_waited = True
            self.queued -= count
            return group
        self._has_bulk_waited = False
        limit = min(count + pace.bulk_commands(while_singles_wait=bool(group)), GROUP_COMMANDS_MAX)
        while self._bulk and count < limit:
            first = self._bulk[0]
            places = first.take(limit - count)
            group.append((first, places))
            count += len(places)
            if first.taken == len(first.places):
                self._bulk.popleft()
        self.queued -= count
        return group
