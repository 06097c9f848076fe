"""The writer's queue: two lanes, single commands before bulk, bounded.

Pure bookkeeping: it owns neither sockets nor threads. A request is answered as a whole, when its last command is done.
"""

import time
from collections import deque
from collections.abc import Sequence

from accounts.application.bus.wire import BusReply, BusRequest
from accounts.application.envelope import Booked, Envelope, Result
from accounts.application.limits import GROUP_COMMANDS_MAX, QUEUED_COMMANDS_MAX
from accounts.application.pace import Pace


class PendingRequest:
    """A request that is being worked on: whom to answer, and how far it is."""

    __slots__ = ("arrived_at", "caller", "request", "results", "taken")

    def __init__(self, caller: bytes, request: BusRequest) -> None:
        self.arrived_at = time.perf_counter()
        self.caller = caller
        self.request = request
        self.taken = 0
        self.results: list[Result | Booked] = []

    @property
    def is_done(self) -> bool:
        """Tell whether every command has its result."""
        return len(self.results) == len(self.request.envelopes)

    def take(self, count: int) -> Sequence[Envelope]:
        """Return the next commands, at most `count`."""
        envelopes = self.request.envelopes[self.taken : self.taken + count]
        self.taken += len(envelopes)
        return envelopes

    def reply(self) -> BusReply:
        """Return the answer to a request that is done."""
        return BusReply(self.request.request_id, self.results)


class Lanes:
    """Commands that wait for the writer."""

    def __init__(self) -> None:
        self.queued = 0
        self._singles: deque[PendingRequest] = deque()
        self._bulk: deque[PendingRequest] = deque()

    def __bool__(self) -> bool:
        return self.queued > 0

    def offer(self, pending: PendingRequest) -> bool:
        """Queue a request; False when it does not fit any more, and nothing of it was queued."""
        count = len(pending.request.envelopes)
        if self.queued + count > QUEUED_COMMANDS_MAX:
            return False
        (self._bulk if pending.request.is_bulk else self._singles).append(pending)
        self.queued += count
        return True

    def next_group(self, pace: Pace) -> list[tuple[PendingRequest, Sequence[Envelope]]]:
        """Return the commands to decide together now, in order: every single one first, then bulk as paced."""
        group: list[tuple[PendingRequest, Sequence[Envelope]]] = []
        count = 0
        while self._singles and count < GROUP_COMMANDS_MAX:
            single = self._singles.popleft()
            group.append((single, single.take(1)))
            count += 1
        limit = min(count + pace.bulk_commands(while_singles_wait=bool(group)), GROUP_COMMANDS_MAX)
        while self._bulk and count < limit:
            first = self._bulk[0]
            envelopes = first.take(limit - count)
            group.append((first, envelopes))
            count += len(envelopes)
            if first.taken == len(first.request.envelopes):
                self._bulk.popleft()
        self.queued -= count
        return group
