"""What is pushed to WebSockets after a projection: for each account that changed, the change and the versions around
it.

A push is never the truth: it says from which version to which, and whoever misses one asks for a snapshot again.
"""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, Final

import structlog
from channels.layers import get_channel_layer

log = structlog.get_logger(__name__)

PUSH_SECONDS_MAX: Final = 5


def group_of(account_id: str) -> str:
    """Return the name of the group that follows an account."""
    return f"account.{account_id}"


class Publisher:
    """Sends messages to channel groups from synchronous code, over one event loop that keeps its connections."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="publisher", daemon=True).start()

    def publish(self, messages: Sequence[dict[str, Any]]) -> None:
        """Send what changed; a channel layer that is away is logged, since clients fetch again anyway."""
        if not messages:
            return
        sending = asyncio.run_coroutine_threadsafe(self._send(messages), self._loop)
        try:
            sending.result(PUSH_SECONDS_MAX)
        except Exception as error:  # Whatever the layer raises: the rows are committed, pushing is a courtesy.
            sending.cancel()
            log.warning("changes not pushed", accounts=len(messages), reason=repr(error))

    async def _send(self, messages: Sequence[dict[str, Any]]) -> None:
        layer = get_channel_layer()
        for message in messages:
            await layer.group_send(group_of(message["account_id"]), message)


_publisher: Publisher | None = None


def publish(messages: Sequence[dict[str, Any]]) -> None:
    """Send what changed, from this process's publisher (made when first needed: threads do not survive a fork)."""
    global _publisher
    if _publisher is None:
        _publisher = Publisher()
    _publisher.publish(messages)
