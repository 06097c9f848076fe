"""What an open connection stands on, and whether that has ended: for sockets and for answers that take long to send.

A connection stands on its user being active, on its API key or its session (and the session on the password it was
opened with), and on a role on its account, or one on the platform that sees every account. Many are looked up together,
with a few queries. Who may begin is decided elsewhere (permissions.py); here it ends.
"""

import time
import uuid
from collections.abc import Collection, Iterator
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from django.contrib.auth import HASH_SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from identity.api_keys import bearer_key, prefix_of
from identity.models import AccountAccess, ApiKey
from identity.permissions import sees_every_account

log = structlog.get_logger(__name__)

T = TypeVar("T")

LOOK_SECONDS: Final = 0.3
"""So that an end counts within a second, the time that looking takes included."""


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


def find_ended(credentials: Collection[Credential]) -> set[Credential]:
    """Return the credentials that are worth nothing any more."""
    now = timezone.now()
    users = get_user_model().objects.filter(pk__in={each.user_id for each in credentials}, is_active=True)
    users_by_id = {user.pk: user for user in users}
    unexpired = ApiKey.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)
    keys = set(unexpired.filter(prefix__in=_values(credentials, "api_key_prefix")).values_list("user_id", "prefix"))
    sessions = Session.objects.filter(session_key__in=_values(credentials, "session_key"), expire_date__gt=now)
    session_keys = set(sessions.values_list("session_key", flat=True))
    given = AccountAccess.objects.filter(user__in=users_by_id, account_id__in=_values(credentials, "account_id"))
    pairs = set(given.values_list("user_id", "account_id"))

    def is_good(each: Credential) -> bool:
        user = users_by_id.get(each.user_id)
        return (
            user is not None
            and (each.api_key_prefix is None or (user.pk, each.api_key_prefix) in keys)
            and (each.session_key is None or (each.session_key in session_keys and _is_of_password(each, user)))
            and (each.account_id is None or (user.pk, each.account_id) in pairs or sees_every_account(user))
            and (not each.needs_every_account or sees_every_account(user))
        )

    return {each for each in credentials if not is_good(each)}


def while_granted(parts: Iterator[T], credential: Credential) -> Iterator[T]:
    """Yield the parts of a long answer, until the credential ends: then no more, and the answer is not whole."""
    looked_at = time.monotonic()
    for part in parts:
        if time.monotonic() - looked_at >= LOOK_SECONDS:
            try:
                if find_ended([credential]):
                    log.info("an answer is broken off: what it stood on was taken away", user_id=credential.user_id)
                    return
            finally:
                connection.close()  # Whoever reads slowly must not keep the others from the database.
            looked_at = time.monotonic()
        yield part


def _is_of_password(credential: Credential, user: Any) -> bool:
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(credential.session_hash or "", each) for each in hashes)


def _values(credentials: Collection[Credential], name: str) -> set[Any]:
    return {getattr(each, name) for each in credentials} - {None}
