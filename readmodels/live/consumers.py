"""The live feeds of accounts: of one, or of all that are a user's. A snapshot first, then changes with the versions
around them.

The client applies a delta whose `from_version` is its own version; anything else is a gap, and it asks to resync. A
group is joined before the snapshot is read, so no change falls between the two; changes that the snapshot holds already
are left out here, and changes that come fast are sent together (followed_account.py). docs/live.md has the protocol.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from accounts.shapes import show_each
from edge.sockets import CLOSE_NOT_FOUND, LiveConsumer, Resync
from identity.permissions import GivenRoles, arole_on_account
from readmodels import shapes
from readmodels.live.followed_account import FollowedAccount
from readmodels.live.push import group_of
from readmodels.queries import snapshots
from readmodels.shapes import account_shape

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS: Final = 15
LOOK_SECONDS: Final = 1.0
"""How often it is looked up which accounts are a user's."""
ACCOUNTS_MAX: Final = 200
"""Accounts of one socket; a program with more opens a socket for each that it needs."""
CLOSE_TOO_MANY: Final = 4413
_given_roles: Final = GivenRoles(limit=ACCOUNTS_MAX + 1)


class ResyncAccount(Resync, forbid_unknown_fields=True):
    """Asks for the snapshot of one account, or of all, again."""

    account_id: str | None = None


class _FeedConsumer(LiveConsumer):
    """What the feeds share: accounts that are followed, what is sent about them, and a heartbeat."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.accounts: dict[str, FollowedAccount] = {}
        self._news = asyncio.Event()

    async def begin(self, user: Any) -> None:
        """Follow the first accounts, and go on with them."""
        if await self.follow_first(user):
            self.go_on(self._beat())
            self.go_on(self._send_changes())

    async def follow_first(self, user: Any) -> bool:
        """Follow the first accounts; False when the socket was closed instead."""
        raise NotImplementedError

    def about(self, account_id: str) -> dict[str, Any]:
        """Return what says in a message which account it is about."""
        raise NotImplementedError

    async def disconnect(self, code: int) -> None:
        """Stop, and leave every group."""
        await super().disconnect(code)
        for account_id in list(self.accounts):
            with contextlib.suppress(RedisError, OSError):  # Nobody is told of the group's changes any more.
                await self.unfollow(account_id)

    async def follow(self, account_id: str, role: str) -> bool:
        """Join an account's group and send its snapshot; False when there is no such account."""
        await self.channel_layer.group_add(group_of(account_id), self.channel_name)
        return await self.send_snapshot(account_id, role)

    async def unfollow(self, account_id: str) -> None:
        """Leave an account's group."""
        self.accounts.pop(account_id, None)
        await self.channel_layer.group_discard(group_of(account_id), self.channel_name)

    async def send_snapshot(self, account_id: str, role: str) -> bool:
        """Send an account as it is now; False when there is no such account."""
        followed = self.accounts[account_id] = FollowedAccount(role=role)
        snapshot = await read_snapshot(account_id, role)
        if snapshot is None:
            await self.unfollow(account_id)
            return False
        await self.send_json({**snapshot, **self.about(account_id)})
        followed.start(version=snapshot["version"], owner_name=snapshot["account"]["owner_name"])
        self._news.set()
        return True

    def resync(self, account_ids: Sequence[str]) -> None:
        """Have snapshots sent again: as changes are, one in a tenth of a second for each account."""
        for account_id in account_ids:
            self.accounts[account_id].is_stale = True
        self._news.set()

    async def account_delta(self, message: dict[str, Any]) -> None:
        """Take a change in; it is sent at once, or with others in a moment."""
        followed = self.accounts.get(message["account_id"])
        if followed is not None:
            followed.take(message)
            self._news.set()

    async def _send_changes(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            now = time.monotonic()
            for account_id, followed in list(self.accounts.items()):
                if followed.wait_seconds(now) == 0.0:
                    await self._send_change(account_id, followed, now)
            waits = [followed.wait_seconds(now) for followed in self.accounts.values()]
            soonest = min((seconds for seconds in waits if seconds is not None), default=None)
            if soonest is not None:
                asyncio.get_running_loop().call_later(soonest, self._news.set)

    async def _send_change(self, account_id: str, followed: FollowedAccount, now: float) -> None:
        message = followed.next_message(now)
        if message is None:
            await self.send_snapshot(account_id, followed.role)
        else:
            await self.send_json({**message, **self.about(account_id)})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self._catch_up()
            await self.send_json(self.heartbeat())

    async def _catch_up(self) -> None:
        """Have a snapshot sent of every account of which a change was missed: pushes are lost while Valkey is away, and
        an account to which nothing happens afterwards would stay as it was shown.
        """
        try:
            versions = await snapshots.versions(account_ids=list(self.accounts))
        except DatabaseError as error:
            log.warning("could not look for changes that were missed", reason=str(error).strip())
            return
        for account_id, version in versions.items():
            followed = self.accounts.get(account_id)
            if followed is not None and followed.version is not None and followed.version < version:
                followed.is_stale = True
                self._news.set()

    def heartbeat(self) -> dict[str, Any]:
        """Return the message that says that the socket is alive."""
        raise NotImplementedError


class AccountConsumer(_FeedConsumer):
    """One client following one account."""

    async def message(self, message: Resync) -> None:
        """Send the snapshot again."""
        self.resync(list(self.accounts))

    async def follow_first(self, user: Any) -> bool:
        """Follow the account of the path."""
        account_id = str(self.scope["url_route"]["kwargs"]["account_id"])
        role = await arole_on_account(user_id=user.pk, account_id=account_id)
        if role is None or not await self.follow(account_id, role):
            await self.close(CLOSE_NOT_FOUND)
            return False
        return True

    def about(self, account_id: str) -> dict[str, Any]:
        """Say nothing: there is one account."""
        return {}

    def heartbeat(self) -> dict[str, Any]:
        """Return the version that the client should have."""
        (followed,) = self.accounts.values()
        return {"type": "heartbeat", "version": followed.version}


class AccountsConsumer(_FeedConsumer):
    """One client following every account that is its user's: owned, or given by its owner."""

    message_type = ResyncAccount
    message_help = '{"type": "resync"}, or with the "account_id" of one account'

    async def message(self, message: ResyncAccount) -> None:
        """Send the snapshots of one account, or of all, again."""
        if message.account_id is None:
            self.resync(list(self.accounts))
        elif message.account_id in self.accounts:
            self.resync([message.account_id])
        else:
            await self.refuse(f"this socket follows no account {message.account_id[:40]!r}")

    async def follow_first(self, user: Any) -> bool:
        """Follow all accounts of the user, and look from now on which they are."""
        is_open = await self._follow_all(user.pk)
        if is_open:
            self.go_on(self._look(user.pk))
        return is_open

    def about(self, account_id: str) -> dict[str, Any]:
        """Name the account."""
        return {"account_id": account_id}

    def heartbeat(self) -> dict[str, Any]:
        """Return the versions that the client should have."""
        versions = {account_id: followed.version for account_id, followed in self.accounts.items()}
        return {"type": "heartbeat", "versions": {each: found for each, found in versions.items() if found is not None}}

    async def _look(self, user_id: int) -> None:
        goes_on = True
        while goes_on:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                goes_on = await self._follow_all(user_id)
            except DatabaseError as error:  # Without a database nothing is taken away, and nothing is new.
                log.warning("could not look which accounts are a user's", reason=str(error))

    async def _follow_all(self, user_id: int) -> bool:
        """Begin with accounts that are new, end with those that are no longer the user's."""
        roles = await _given_roles.of(user_id)
        if len(roles) > ACCOUNTS_MAX:
            await self.close(CLOSE_TOO_MANY)
            return False
        for account_id in list(self.accounts.keys() - roles.keys()):
            await self.unfollow(account_id)
            await self.send_json({"type": "removed", "account_id": account_id})
        for account_id, role in roles.items():
            followed = self.accounts.get(account_id)
            if followed is None or followed.role != role:
                await self.follow(account_id, role)
        return True


async def read_snapshot(account_id: str, role: str) -> dict[str, Any] | None:
    """Return an account's summary, positions, open orders and latest trades as of one version, or None when there is
    no such account.
    """
    found = await snapshots.snapshot(account_id=account_id)
    if found is None:
        return None
    return {
        "type": "snapshot",
        "version": found.account["version"],
        "account": account_shape(found.account, role=role),
        "positions": await show_each(shapes.Position.show, found.positions),
        "orders": await show_each(shapes.Order.show, found.orders),
        "trades": await show_each(shapes.Trade.show, found.trades),
    }
