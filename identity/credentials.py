"""What an open connection stands on, and whether that has ended: for sockets and for answers that take long to send.

A connection stands on its user being active, on its API key or its session (and the session on the password it was
opened with), and on a role on its account, or one on the platform that sees every account. Many are looked up together,
by one statement. Who may begin is decided elsewhere (permissions.py); here it ends.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from asgiref.sync import async_to_sync
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.http import HttpRequest
from django.utils import timezone

from edge import database
from edge.turns import turn
from identity import users
from identity.api_keys import bearer_key, prefix_of
from identity.models import AccountAccess, ApiKey
from identity.permissions import sees_every_account
from identity.sessions import is_of_password

log = structlog.get_logger(__name__)

T = TypeVar("T")

LOOK_SECONDS: Final = 0.3
"""So that an end counts within a second, the time that looking takes included."""
UNKNOWN_SECONDS_MAX: Final = 30.0
"""How long an answer waits, and sends nothing, while the database does not say whether it may go on: for longer than
any flood of look-ups lasts, or a restart takes.
"""


class Credential(NamedTuple):
    """What one connection stands on."""

    user_id: Any
    api_key_prefix: str | None
    session_key: str | None
    session_hash: str | None
    """Made from the user's password, when the session was opened."""
    account_id: uuid.UUID | None
    """The account that it is about; None for those that look up by themselves what they may show."""
    needs_every_account: bool = False

    @classmethod
    def of(
        cls,
        *,
        user: Any,
        key_prefix: str | None,
        session: Any,
        account_id: uuid.UUID | None = None,
        needs_every_account: bool = False,
    ) -> "Credential":
        """Return what somebody stands on who sent an API key, or else has a session."""
        is_session = key_prefix is None and session is not None
        return cls(
            user_id=user.pk,
            api_key_prefix=key_prefix,
            session_key=session.session_key if is_session else None,
            session_hash=session.get(HASH_SESSION_KEY) if is_session else None,
            account_id=account_id,
            needs_every_account=needs_every_account,
        )


def credential_of(
    request: HttpRequest, *, user: Any, account_id: uuid.UUID | None = None, needs_every_account: bool = False
) -> Credential:
    """Return what an answer over REST stands on, for a request that was authenticated as a user's."""
    key = bearer_key(request.headers.get("Authorization", ""))
    return Credential.of(
        user=user,
        key_prefix=None if key is None else prefix_of(key),
        session=request.session,
        account_id=account_id,
        needs_every_account=needs_every_account,
    )


_ASKED: Final = ("user_id", "api_key_prefix", "session_key", "account_id")
"""The fields of credentials that the statement is given."""
_FIND: Final = f"""
    SELECT asked.place, access.role IS NOT NULL, CASE WHEN asked.session_key IS NOT NULL THEN holder.password END,
        {users.COLUMNS}
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::uuid[]) WITH ORDINALITY
        AS asked (user_id, key_prefix, session_key, account_id, place)
    JOIN {users.TABLE} AS holder ON holder.id = asked.user_id AND holder.is_active
    LEFT JOIN {AccountAccess._meta.db_table} AS access
        ON access.user_id = asked.user_id AND access.account_id = asked.account_id
    WHERE (asked.key_prefix IS NULL OR EXISTS (SELECT FROM {ApiKey._meta.db_table} AS key
            WHERE key.prefix = asked.key_prefix AND key.user_id = asked.user_id AND key.revoked_at IS NULL
                AND (key.expires_at IS NULL OR key.expires_at > %s)))
        AND (asked.session_key IS NULL OR EXISTS (SELECT FROM {Session._meta.db_table} AS session
            WHERE session.session_key = asked.session_key AND session.expire_date > %s))
"""  # noqa: S608 - of the names of our own tables.


async def find_ended(credentials: Collection[Credential]) -> set[Credential]:
    """Return the credentials that are worth nothing any more."""
    asked, now = list(credentials), timezone.now()
    columns = [[getattr(each, name) for each in asked] for name in _ASKED]
    ended = set(asked)
    for place, *found in await database.read_reserved(_FIND, [*columns, now, now]):
        await turn()  # Each session's costs a hash.
        if _is_good(asked[place - 1], *found):
            ended.discard(asked[place - 1])
    return ended


def _is_good(credential: Credential, has_role: bool, password: str | None, *user: Any) -> bool:
    """Tell whether what the statement does not is so: the session's password, and a role that sees every account."""
    if password is not None and not is_of_password(credential.session_hash, password):
        return False
    needs_every_account = credential.needs_every_account or (credential.account_id is not None and not has_role)
    return not needs_every_account or sees_every_account(users.user_of(user))


def while_granted(parts: Iterator[T], credential: Credential) -> Iterator[T]:
    """Yield the parts of a long answer, until the credential ends: then no more, and the answer is not whole. Raises
    OperationalError when the database has not said for UNKNOWN_SECONDS_MAX whether it has; meanwhile no part is sent.
    """
    looked_at = time.monotonic()
    for part in parts:
        if time.monotonic() - looked_at >= LOOK_SECONDS:
            if async_to_sync(_has_ended)(credential):
                return
            looked_at = time.monotonic()
        yield part


async def awhile_granted(parts: AsyncIterator[T], credential: Credential) -> AsyncIterator[T]:
    """Yield the parts of a long answer that is made on the event loop, as `while_granted` does."""
    looked_at = time.monotonic()
    async for part in parts:
        if time.monotonic() - looked_at >= LOOK_SECONDS:
            if await _has_ended(credential):
                return
            looked_at = time.monotonic()
        yield part


async def _has_ended(credential: Credential) -> bool:
    """Look whether a credential has ended; again and again while the database is busy or away."""
    gives_up_at = time.monotonic() + UNKNOWN_SECONDS_MAX
    while True:
        try:
            is_over = bool(await find_ended([credential]))
            if is_over:
                log.info("an answer is broken off: what it stood on was taken away", user_id=credential.user_id)
            return is_over
        except OperationalError as error:
            if time.monotonic() + LOOK_SECONDS > gives_up_at:
                raise
            log.warning("could not look whether an answer may go on", reason=str(error))
        await asyncio.sleep(LOOK_SECONDS)
