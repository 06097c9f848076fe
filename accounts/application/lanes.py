"""The writer's queue: two lanes, single commands before bulk, bounded.

Pure bookkeeping: it owns neither sockets nor threads. A request is answered as a whole, when its last command is done.

Commands of a bulk request come out partition by partition, those of one partition in their order: so what an account is
asked happens in the order of asking, and a group has few large batches instead of a small one of every partition.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from accounts.application.bus.wire import BusReply, BusRequest
from accounts.application.envelope import Booked, Result
from accounts.application.limits import GROUP_COMMANDS_MAX, QUEUED_COMMANDS_MAX
from accounts.application.pace import Pace


class PendingRequest:
    """A request that is being worked on: whom to answer, and how far it is."""

    __slots__ = ("arrived_at", "caller", "places", "request", "results", "taken", "unanswered")

    def __init__(self, caller: bytes, request: BusRequest) -> None:
        count = len(request.envelopes)
        self.arrived_at = time.perf_counter()
        self.caller = caller
        self.request = request
        self.places: Sequence[int] = range(count)
        """The places of the commands in the request, in the order in which they are taken."""
        self.taken = 0
        self.unanswered = count
        self.results: list[Result | Booked | None] = [None] * count

    def leave_out(self, results: Mapping[int, Result]) -> bool:
        """Note results of commands that are not to be executed; True when there is nothing else to do."""
        if not results:
            return False
        self.places = [place for place in self.places if place not in results]
        return self.answer(list(results), results.values())

    def order_by(self, partition_of: Callable[[str], int]) -> None:
        """Let the commands come out partition by partition."""
        partitions = [partition_of(envelope.account_id) for envelope in self.request.envelopes]
        self.places = sorted(self.places, key=partitions.__getitem__)

    def take(self, count: int) -> Sequence[int]:
        """Return the places of the next commands in the request, at most `count`."""
        places = self.places[self.taken : self.taken + count]
        self.taken += len(places)
        return places

    def answer(self, places: Sequence[int], results: Iterable[Result | Booked]) -> bool:
        """Note the results of commands; True when that was the last of them."""
        for place, result in zip(places, results, strict=True):
            self.results[place] = result
        self.unanswered -= len(places)
        return self.unanswered == 0

    def reply(self) -> BusReply:
        """Return the answer to a request that is done."""
        assert None not in self.results, "every command has its result"
        return BusReply(self.request.request_id, self.results)  # type: ignore[arg-type]


class Lanes:
    """Commands that wait for the writer."""

    def __init__(self, partition_of: Callable[[str], int]) -> None:
        self.queued = 0
        self._partition_of = partition_of
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
            pending.order_by(self._partition_of)
            self._bulk.append(pending)
        else:
            self._singles.append(pending)
        self.queued += count
        return True

    def next_group(self, pace: Pace) -> list[tuple[PendingRequest, Sequence[int]]]:
        """Return what to decide together now, in order: requests with the places of their commands.

        Every single command first, alone: it waits for no bulk but what is being written when it comes. So that many of
        them do not keep bulk out, the next group takes bulk as paced, whoever else is in it.
        """
        group: list[tuple[PendingRequest, Sequence[int]]] = []
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
