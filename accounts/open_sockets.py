"""WebSockets that are open in this process, closed within a second once what they stand on is taken away.

A socket stands on its user being active, on its API key or its session, and on its account on a role. All sockets of a
process are looked up together, twice a second while there are any: a few queries, however many sockets there are. It
closes sockets and nothing else: who may open one is decided before.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import structlog
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseError
from django.db.models import Q
from django.utils import timezone

from accounts.models import AccountAccess, ApiKey
from accounts.permissions import sees_every_account

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
"""So that a revocation counts within a second, the time that looking takes included."""
CLOSE_REVOKED: Final = 4401


@dataclass(frozen=True, slots=True, eq=False)
class OpenSocket:
    """One socket: what it stands on, and how it is closed."""

    close: Callable[[int], Awaitable[None]]
    user_id: Any
    api_key_id: int | None
    session_key: str | None
    account_id: uuid.UUID | None


class OpenSockets:
    """The sockets of one process."""

    def __init__(self) -> None:
        self._sockets: set[OpenSocket] = set()
        self._looking: asyncio.Task[None] | None = None

    def add(self, socket: OpenSocket) -> None:
        """Look after a socket from now on."""
        self._sockets.add(socket)
        if self._looking is None or self._looking.done() or self._looking.get_loop() is not asyncio.get_running_loop():
            self._looking = asyncio.create_task(self._look_after())

    def discard(self, socket: OpenSocket) -> None:
        """Forget a socket that is closed."""
        self._sockets.discard(socket)

    async def _look_after(self) -> None:
        while self._sockets:
            await asyncio.sleep(LOOK_SECONDS)
            watched = list(self._sockets)
            try:
                revoked = await database_sync_to_async(find_revoked)(watched)
            except DatabaseError as error:
                # The next look finds what this one missed; without a database nothing is sent that is new either.
                log.warning("could not look whether sockets may stay open", reason=str(error))
                continue
            closing = [asyncio.create_task(self._close(socket)) for socket in revoked]
            if closing:
                # A client that does not read must not keep the others open.
                await asyncio.wait(closing, timeout=LOOK_SECONDS)

    async def _close(self, socket: OpenSocket) -> None:
        self.discard(socket)
        try:
            await socket.close(CLOSE_REVOKED)
        except Exception as error:  # Whatever the server raises: this socket is gone, and the others are looked after.
            log.info("a socket was gone before it was closed", reason=str(error))


def find_revoked(sockets: Collection[OpenSocket]) -> list[OpenSocket]:
    """Return the sockets that have lost their user, key, session or access."""
    now = timezone.now()
    users = get_user_model().objects.filter(pk__in={socket.user_id for socket in sockets}, is_active=True)
    users_by_id = {user.pk: user for user in users}
    unexpired = ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    key_ids = set(unexpired.filter(pk__in=_told(sockets, "api_key_id")).values_list("pk", flat=True))
    sessions = Session.objects.filter(session_key__in=_told(sockets, "session_key"), expire_date__gt=now)
    session_keys = set(sessions.values_list("session_key", flat=True))
    given = AccountAccess.objects.filter(user__in=users_by_id, account_id__in=_told(sockets, "account_id"))
    pairs = set(given.values_list("user_id", "account_id"))

    def may_stay(socket: OpenSocket) -> bool:
        user = users_by_id.get(socket.user_id)
        return (
            user is not None
            and (socket.api_key_id is None or socket.api_key_id in key_ids)
            and (socket.session_key is None or socket.session_key in session_keys)
            and (socket.account_id is None or (user.pk, socket.account_id) in pairs or sees_every_account(user))
        )

    return [socket for socket in sockets if not may_stay(socket)]


def _told(sockets: Collection[OpenSocket], name: str) -> set[Any]:
    return {getattr(socket, name) for socket in sockets} - {None}
