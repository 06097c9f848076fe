"""The live feed of all accounts together, for whoever sees every account: a snapshot, then the sections that changed.

A tick comes once a second at most, and none when nothing changed. Whether the user still sees every account is asked
before each. docs/live.md has the protocol.
"""

import asyncio
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError

from edge.sockets import LiveConsumer, Resync
from identity.permissions import STAFF, arole_on_account
from readmodels.firm.dashboard import TICK_SECONDS, State, changed, this_dashboard
from readmodels.live.consumers import HEARTBEAT_SECONDS

log = structlog.get_logger(__name__)

CLOSE_FORBIDDEN: Final = 4403


class DashboardConsumer(LiveConsumer):
    """One client that is shown all accounts together."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._shown = State(0, {})

    async def begin(self, user: Any) -> None:
        """Begin, for somebody who sees every account."""
        if await _sees_every_account(user.pk):
            self.go_on(self._tick(user.pk))
        else:
            await self.close(CLOSE_FORBIDDEN)

    async def message(self, message: Resync) -> None:
        """Send the snapshot again; it is on its way when there was none yet."""
        if self._shown.version:
            await self._send_snapshot(self._shown)

    async def _tick(self, user_id: int) -> None:
        ticks = 0
        while True:
            try:
                if not await _sees_every_account(user_id):
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


async def _sees_every_account(user_id: int) -> bool:
    """Tell whether a user, as they are now, sees every account."""
    return await arole_on_account(user_id=user_id, account_id=None) == STAFF
