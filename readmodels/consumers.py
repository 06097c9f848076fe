"""The live feed of one account: a snapshot first, then each change with the versions around it.

The client applies a delta whose `from_version` is its own version; anything else is a gap, and it asks to resync. The
group is joined before the snapshot is read, so no change falls between the two; changes that the snapshot holds already
are left out here.
"""

import asyncio
import contextlib
from typing import Any, Final

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import transaction

from accounts.permissions import role_on_account
from readmodels import queries
from readmodels.live import group_of
from readmodels.shapes import account_shape, order_shape, position_shape, trade_shape

HEARTBEAT_SECONDS: Final = 15
SNAPSHOT_TRADES: Final = 50
SNAPSHOT_ORDERS: Final = 1_000
"""All that an account may have open (accounts/domain/orders.py)."""
CLOSE_UNAUTHENTICATED: Final = 4401
CLOSE_NOT_FOUND: Final = 4404


class AccountConsumer(AsyncJsonWebsocketConsumer):
    """One client following one account."""

    account_id: str
    role: str
    version = 0
    _heartbeat: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept, check access (only an accepted socket can be closed with a code of ours), and send a snapshot."""
        await self.accept()
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            await self.close(CLOSE_UNAUTHENTICATED)
            return
        self.account_id = str(self.scope["url_route"]["kwargs"]["account_id"])
        role = await database_sync_to_async(role_on_account)(user, self.account_id)
        if role is None:
            await self.close(CLOSE_NOT_FOUND)
            return
        self.role = role
        await self.channel_layer.group_add(group_of(self.account_id), self.channel_name)
        if await self._send_snapshot():
            self._heartbeat = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._heartbeat
        if hasattr(self, "account_id"):
            await self.channel_layer.group_discard(group_of(self.account_id), self.channel_name)

    async def receive_json(self, content: Any, **_: Any) -> None:
        """Send a snapshot again when the client asks for it; anything else is ignored."""
        if isinstance(content, dict) and content.get("type") == "resync":
            await self._send_snapshot()

    async def account_delta(self, message: dict[str, Any]) -> None:
        """Pass a change on, unless the client has it."""
        if message["version"] <= self.version:
            return
        self.version = message["version"]
        await self.send_json(
            {
                "type": "delta",
                "from_version": message["from_version"],
                "version": message["version"],
                "account": {**message["account"], "role": self.role},
                "positions": message["positions"],
                "orders": message["orders"],
                "trades": message["trades"],
            }
        )

    async def _send_snapshot(self) -> bool:
        snapshot = await database_sync_to_async(read_snapshot)(self.account_id, self.role)
        if snapshot is None:
            await self.close(CLOSE_NOT_FOUND)
            return False
        self.version = snapshot["version"]
        await self.send_json(snapshot)
        return True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.send_json({"type": "heartbeat", "version": self.version})


def read_snapshot(account_id: str, role: str) -> dict[str, Any] | None:
    """Return an account's summary, positions, open orders and latest trades as of one version, or None when there is
    no such account.
    """
    with transaction.atomic():
        queries.read_one_snapshot()
        account = queries.account(account_id=account_id)
        if account is None:
            return None
        return {
            "type": "snapshot",
            "version": account["version"],
            "account": account_shape(account, role=role),
            "positions": [position_shape(row) for row in queries.positions(account_id=account_id)],
            "orders": [
                order_shape(row) for row in queries.orders(account_id=account_id, limit=SNAPSHOT_ORDERS, is_open=True)
            ],
            "trades": [trade_shape(row) for row in queries.trades(account_id=account_id, limit=SNAPSHOT_TRADES)],
        }
