"""Automatic persisted queries: a client sends the SHA-256 of a query instead of its text, and the text once when the
platform does not know it (the protocol of that name, `extensions.persistedQuery`).

Texts are kept in the cache that all web processes share, and in this process before it. The shared cache has SLOTS
places and every text belongs in one of them: so it is bounded without counting, and two texts that share a place only
make their clients send them again. A text is used only when it has the hash that was asked for. A cache that is away
knows nothing; nothing else suffers.
"""

import hashlib
import re
from collections import OrderedDict
from typing import Final

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from accounts.api.graphql.errors import ApiError, bad_request

log = structlog.get_logger(__name__)

SLOTS: Final = 4_096
KEPT_SECONDS: Final = 7 * 24 * 60 * 60
TEXTS_IN_PROCESS_MAX: Final = 512
_PROTOCOL_VERSION: Final = 1
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class PersistedDocuments:
    """Texts of queries by their SHA-256."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    async def find(self, sha256: str) -> str:
        """Return the text with this hash; raises PERSISTED_QUERY_NOT_FOUND."""
        text = self._texts.get(sha256)
        if text is None:
            text = await _fetch(sha256)
            if text is None or sha256_of(text) != sha256:
                raise ApiError("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound: send the query with its hash")
        self._keep(sha256, text)
        return text

    def knows(self, sha256: str) -> bool:
        """Tell whether this process has the text at hand."""
        return sha256 in self._texts

    async def add(self, sha256: str, text: str) -> None:
        """Keep a text under its hash, here and for every other web process."""
        self._keep(sha256, text)
        try:
            await cache.aset(_slot(sha256), text, KEPT_SECONDS)
        except RedisError as error:
            log.warning("persisted query not shared", reason=repr(error))

    def _keep(self, sha256: str, text: str) -> None:
        self._texts[sha256] = text
        self._texts.move_to_end(sha256)
        if len(self._texts) > TEXTS_IN_PROCESS_MAX:
            self._texts.popitem(last=False)


def check_persisted(*, version: int, sha256: str, query: str | None) -> None:
    """Refuse another protocol, what is no hash, and the hash of another text."""
    if version != _PROTOCOL_VERSION:
        raise bad_request(f"`persistedQuery.version` is {_PROTOCOL_VERSION}, found {version}")
    if not _SHA256.fullmatch(sha256):
        raise bad_request("`persistedQuery.sha256Hash` is a SHA-256: 64 lowercase hexadecimal digits")
    if query is not None and sha256_of(query) != sha256:
        raise ApiError(
            "PERSISTED_QUERY_MISMATCH",
            f"the query's SHA-256 is {sha256_of(query)}, not {sha256}: hash its text exactly as it is sent, in UTF-8",
        )


def sha256_of(text: str) -> str:
    """Return the hash that a text is known by."""
    return hashlib.sha256(text.encode()).hexdigest()


def _slot(sha256: str) -> str:
    return f"persisted-query:{int(sha256[:8], 16) % SLOTS}"


async def _fetch(sha256: str) -> str | None:
    try:
        text: str | None = await cache.aget(_slot(sha256))
    except RedisError as error:
        log.warning("persisted query not looked up", reason=repr(error))
        return None
    return text
