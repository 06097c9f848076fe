"""The live feed of all accounts together, for whoever sees every account: a snapshot, then the sections that changed.

A tick comes once a second at most, and none when nothing changed. Whether the user still sees every account is asked
before each. docs/live.md has the protocol.
"""

import asyncio
import contextlib
from typing import Any, Final

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseError

from accounts.permissions import sees_every_account
from readmodels.consumers import CLOSE_FAILED, CLOSE_UNAUTHENTICATED, HEARTBEAT_SECONDS
from readmodels.dashboard import TICK_SECONDS, State, changed, this_dashboard

log = structlog.get_logger(__name__)

CLOSE_FORBIDDEN: Final = 4403


class DashboardConsumer(AsyncJsonWebsocketConsumer):
    """One client that is shown all accounts together."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._shown = State(0, {})
        self._ticking: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept (only an accepted socket can be closed with a code of ours), and begin."""
        await self.accept()
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(CLOSE_UNAUTHENTICATED)
        elif not await database_sync_to_async(_sees_every_account)(user.pk):
            await self.close(CLOSE_FORBIDDEN)
        else:
            self._ticking = asyncio.create_task(self._go_on(user.pk))

    async def disconnect(self, code: int) -> None:
        """Stop."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking

    async def receive_json(self, content: Any, **_: Any) -> None:
        """Send the snapshot again when the client asks for it; anything else is ignored."""
        if isinstance(content, dict) and content.get("type") == "resync" and self._shown.version:
            await self._send_snapshot(self._shown)

    async def _go_on(self, user_id: int) -> None:
        try:
            await self._tick(user_id)
        except Exception as error:  # A socket that says nothing any more would look like a quiet market.
            log.error("a dashboard failed", exc_info=error)
            await self.close(CLOSE_FAILED)

    async def _tick(self, user_id: int) -> None:
        ticks = 0
        while True:
            try:
                if not await database_sync_to_async(_sees_every_account)(user_id):
                    await self.close(CLOSE_FORBIDDEN)
                    return
                await self._show(await this_dashboard().state())
            except DatabaseError as error:  # Nothing is taken away, and nothing is new.
                log.warning("a dashboard is not brought up to date", reason=str(error).strip())
            await asyncio.sleep(TICK_SECONDS)
            ticks += 1
            if ticks * TICK_SECONDS % HEARTBEAT_SECONDS == 0:
                await self.send_json({"type": "heartbeat", "version": self._shown.version})

    async def _show(self, state: State) -> None:
        shown, self._shown = self._shown, state
        if shown.version == 0:
            await self._send_snapshot(state)
        elif state.version != shown.version:
            sections = changed(shown.sections, state.sections)
            await self.send_json({"type": "delta", "from_version": shown.version, "version": state.version, **sections})

    async def _send_snapshot(self, state: State) -> None:
        await self.send_json({"type": "snapshot", "version": state.version, **state.sections})


def _sees_every_account(user_id: int) -> bool:
    """Tell whether a user, as they are now, sees every account."""
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    return user is not None and sees_every_account(user)
