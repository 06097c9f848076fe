"""WebSockets that are open in this process, closed within a second once what they stand on ends (credentials.py).

All sockets of a process are looked up together, three times a second while there are any: a few queries, however many
sockets there are. It closes sockets and nothing else: who may open one is decided before.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from identity.credentials import LOOK_SECONDS, Credential, find_ended

log = structlog.get_logger(__name__)

CLOSE_REVOKED: Final = 4401
SOCKETS_PER_USER_MAX: Final = 1_000
"""In one process; a program that follows thousands of accounts has `/ws/accounts`."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenSocket:
    """One socket: what it stands on, and how it is closed."""

    close: Callable[[int], Awaitable[None]]
    credential: Credential


class OpenSockets:
    """The sockets of one process."""

    def __init__(self) -> None:
        self._sockets: set[OpenSocket] = set()
        self._counts: Counter[Any] = Counter()
        self._looking: asyncio.Task[None] | None = None

    def has_room(self, user_id: Any) -> bool:
        """Tell whether a user may open another socket."""
        return self._counts[user_id] < SOCKETS_PER_USER_MAX

    def add(self, socket: OpenSocket) -> None:
        """Look after a socket from now on."""
        self._sockets.add(socket)
        self._counts[socket.credential.user_id] += 1
        if self._looking is None or self._looking.done() or self._looking.get_loop() is not asyncio.get_running_loop():
            self._looking = asyncio.create_task(self._look_after())

    def discard(self, socket: OpenSocket) -> None:
        """Forget a socket that is closed."""
        if socket in self._sockets:
            self._sockets.discard(socket)
            self._counts -= Counter([socket.credential.user_id])

    async def _look_after(self) -> None:
        while self._sockets:
            await asyncio.sleep(LOOK_SECONDS)
            watched = list(self._sockets)
            try:
                ended = await database_sync_to_async(find_ended)({socket.credential for socket in watched})
            except DatabaseError as error:
                # The next look finds what this one missed; without a database nothing is sent that is new either.
                log.warning("could not look whether sockets may stay open", reason=str(error))
                continue
            closing = [asyncio.create_task(self._close(socket)) for socket in watched if socket.credential in ended]
            if closing:
                # A client that does not read must not keep the others open.
                await asyncio.wait(closing, timeout=LOOK_SECONDS)

    async def _close(self, socket: OpenSocket) -> None:
        self.discard(socket)
        try:
            await socket.close(CLOSE_REVOKED)
        except Exception as error:  # Whatever the server raises: this socket is gone, and the others are looked after.
            log.info("a socket was gone before it was closed", reason=str(error))
