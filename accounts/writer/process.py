"""The writer process: owns the partitions, executes the commands that arrive on the bus, one group at a time.

One thread, no locks, the same order always. It answers after the events are durable, then tells the projections. What
it holds in memory (accounts, command ids) is made from the store; killed at any moment it loses nothing that it
acknowledged.
"""

import fcntl
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

import structlog
import zmq

from accounts.domain.commands import AccountCommand
from accounts.domain.state import Account
from accounts.writer.bus.keys import secure_writer
from accounts.writer.bus.ports import Notifier
from accounts.writer.bus.wire import (
    REQUEST_FRAMES,
    BusReply,
    BusRequest,
    decode_request,
    decode_request_id,
    encode_reply,
)
from accounts.writer.bus.zeromq import has_message
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import NotExecuted, SystemCode
from accounts.writer.handlers import CommandHandler, untold
from accounts.writer.lanes import Lanes, Pace, PendingRequest
from accounts.writer.limits import OVERLOADED_RETRY_AFTER_MS, POLL_MS, REMEMBERED_REPLIES, STANDBY_LOOK_SECONDS
from accounts.writer.metrics import MetricsLog, WriterStatus
from accounts.writer.outcomes import said_elsewhere
from eventstore.writer.group_commit import GroupCommit

log = structlog.get_logger(__name__)

IPC_PREFIX: Final = "ipc://"


class EndpointTaken(Exception):
    """Another writer serves this endpoint already."""


class Writer:
    """Serves one endpoint until `stop` is called (from a signal handler, say)."""

    def __init__(
        self,
        *,
        endpoint: str,
        load: Callable[[], GroupCommit[Account, AccountCommand]],
        notifier: Notifier,
        share: str = "all",
        keys: Path | None = None,
        is_standby: bool = False,
    ) -> None:
        """`load` is called when the endpoint is this writer's, and not before. `share` says which partitions are its
        own, for its status; `keys` is the folder of its CURVE keys. A standby waits while another writer serves the
        endpoint, and takes over as soon as that one is gone.
        """
        self._endpoint = endpoint
        self._load = load
        self._notifier = notifier
        self._share = share
        self._keys = keys
        self._is_standby = is_standby
        self._pace = Pace()
        self._in_progress: set[bytes] = set()
        self._replies: OrderedDict[bytes, list[bytes]] = OrderedDict()
        self._is_stopping = False
        self._socket: zmq.Socket[bytes]
        self._lanes: Lanes
        self._group_commit: GroupCommit[Account, AccountCommand]
        self._handler: CommandHandler

    def stop(self) -> None:
        """Stop after the group that is being written; what still waits is asked again by its callers."""
        self._is_stopping = True

    def run(self) -> None:
        """Serve commands; raises EndpointTaken when another writer does so already, unless this is a standby."""
        with ExitStack() as ending:
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            ending.callback(context.term)
            self._socket = context.socket(zmq.ROUTER)
            ending.callback(self._socket.close)
            self._socket.setsockopt(zmq.LINGER, 500)
            self._socket.setsockopt(zmq.RCVHWM, 0)
            self._socket.setsockopt(zmq.SNDHWM, 0)
            if self._keys is not None:
                ending.callback(secure_writer(context, self._socket, self._keys).stop)
            lock = None
            if self._endpoint.startswith(IPC_PREFIX):
                lock = ending.enter_context(_lock_file(self._endpoint))
            if not self._claim(lock):
                return
            self._group_commit = self._load()
            self._lanes = Lanes(self._group_commit.partition_count)
            self._handler = CommandHandler(self._group_commit, self._notifier)
            log.info("writer ready", endpoint=self._endpoint, partitions=self._share)
            self._handler.notify()  # Of what a writer before committed and could not tell any more.
            self._serve()
        log.info("writer stopped")

    def _claim(self, lock: IO[str] | None) -> bool:
        """Make the endpoint this writer's; False when a standby was stopped before it became one."""
        if self._is_bound(lock):
            return True
        if not self._is_standby:
            raise EndpointTaken(
                f"another writer serves {self._endpoint}: stop it, start this one with --standby, or give it an "
                "endpoint of its own with WRITER_ENDPOINT"
            )
        log.info("standing by", endpoint=self._endpoint, partitions=self._share)
        while not self._is_stopping:
            if self._is_bound(lock):
                return True
            time.sleep(STANDBY_LOOK_SECONDS)
        return False

    def _is_bound(self, lock: IO[str] | None) -> bool:
        """Take the endpoint, unless somebody has it. Binding alone would silently take an ipc socket from a running
        writer, so there the lock of a file decides; the kernel frees it however its owner ends.
        """
        try:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._socket.bind(self._endpoint)
        except BlockingIOError:
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE:
                raise
            return False
        return True

    def _serve(self) -> None:
        metrics_log = MetricsLog(self._handler.metrics)
        while not self._is_stopping:
            self._receive()
            if self._lanes:
                self._write_group()
            metrics_log.write_if_due()

    def _receive(self) -> None:
        """Queue what has arrived, of bulk one message at a time; wait a little when there is nothing to do."""
        if not self._lanes and not self._socket.poll(POLL_MS):
            return
        bulk_requests = self._lanes.bulk_requests
        while self._lanes.bulk_requests == bulk_requests and has_message(self._socket):
            caller, *frames = self._socket.recv_multipart(zmq.NOBLOCK)
            if len(frames) != REQUEST_FRAMES:
                log.warning("message refused", reason=f"{len(frames)} frames, a request has {REQUEST_FRAMES}")
                continue
            try:
                self._accept(caller, frames)
            except Exception:  # Nothing that a message holds ends the writer.
                log.exception("message passed over", bytes=sum(map(len, frames)))

    def _accept(self, caller: bytes, frames: list[bytes]) -> None:
        try:
            request_id = decode_request_id(frames[0]).request_id
            if request_id in self._in_progress:
                return  # A caller that has waited long asks again; thousands of commands are decoded once.
            known_reply = self._replies.get(request_id)
            if known_reply is not None:
                self._socket.send_multipart((caller, *known_reply))
                return
            request = decode_request(frames)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors.
            log.warning("message refused", reason=str(error))
            return
        if len(request.commands) == 0:
            self._socket.send_multipart((caller, *encode_reply(BusReply(request_id, status=self._status()))))
            return
        pending = PendingRequest(caller, request)
        if pending.is_answered:
            self._answer(pending)
        elif self._lanes.offer(pending):
            self._in_progress.add(request_id)
        else:
            self._handler.metrics.overloaded += len(request.commands)
            self._socket.send_multipart((caller, *encode_reply(self._overloaded(request))))

    def _overloaded(self, request: BusRequest) -> BusReply:
        message = f"{self._lanes.queued:,} commands are waiting already; nothing was executed: try again later"
        code = SystemCode.OVERLOADED.value

        def refused(account_id: str, command_id: str) -> NotExecuted:
            return NotExecuted(account_id, command_id, code, message, OVERLOADED_RETRY_AFTER_MS)

        return _told_to_all(request, refused)

    def _write_group(self) -> None:
        group = self._lanes.next_group(self._pace)
        commands = AccountCommands.joined([pending.commands(places) for pending, places in group])
        handled = self._handler.execute(commands)
        self._pace.learn(len(commands), self._group_commit.latest_times)
        start = 0
        for pending, places in group:
            end = start + len(places)
            is_brief = pending.request.is_brief
            pending.answer(places, (handled.tell_in_short if is_brief else handled.tell_in_full)(start, end))
            if pending.is_answered:
                self._answer(pending)
            start = end
        self._handler.finish(handled)

    def _answer(self, pending: PendingRequest) -> None:
        request_id = pending.request.request_id
        try:
            reply = encode_reply(pending.reply())
        except Exception:
            log.exception("a reply cannot be encoded", commands=len(pending.request.commands))
            reply = encode_reply(_told_to_all(pending.request, untold))
        self._socket.send_multipart((pending.caller, *reply))
        self._handler.metrics.count_answer(
            is_bulk=pending.request.is_bulk, seconds=time.perf_counter() - pending.arrived_at
        )
        self._in_progress.discard(request_id)
        self._replies[request_id] = reply
        while len(self._replies) > REMEMBERED_REPLIES:
            self._replies.popitem(last=False)

    def _status(self) -> WriterStatus:
        metrics = self._handler.metrics
        return WriterStatus(
            partitions=self._share,
            started_at=metrics.started_at,
            queued=self._lanes.queued,
            overloaded=metrics.overloaded,
            groups=metrics.groups,
            deciding_seconds=round(metrics.deciding_seconds, 6),
            writing_seconds=round(metrics.writing_seconds, 6),
            single=metrics.answers(is_bulk=False),
            bulk=metrics.answers(is_bulk=True),
            commands=metrics.counts(),
            accounts_held=self._group_commit.held_count,
            accounts_let_go=self._group_commit.let_go_count,
            clock_problem=self._group_commit.clock.problem,
        )


def _told_to_all(request: BusRequest, tell: Callable[[str, str], NotExecuted]) -> BusReply:
    """Return the reply that tells every command of a request the same."""
    commands = request.commands
    told = [tell(commands.aggregate_id(place), commands.command_id(place)) for place in range(len(commands))]
    if request.is_brief:
        return BusReply(request.request_id, batch=said_elsewhere(told))
    return BusReply(request.request_id, [*told])


def _lock_file(endpoint: str) -> IO[str]:
    path = Path(endpoint.removeprefix(IPC_PREFIX))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.lock").open("w")
