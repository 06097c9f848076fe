"""API keys: made, shown once, hashed at rest, revoked.

A key is "tp_<prefix>_<secret>": the prefix finds the row, the secret has 256 random bits, so a plain SHA-256 of it is
enough (there is nothing to guess, unlike with a password). When a key was last used is written at most once a minute.
"""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.utils import timezone

from edge import database
from identity import users
from identity.models import AccountAccess, ApiKey

LAST_USED_EVERY: Final = timedelta(minutes=1)
DAYS_MAX: Final = 3_650
"""The latest that a key may expire; one without a date never does."""
REQUESTS_PER_MINUTE_MAX: Final = 10_000_000
_KEY: Final = re.compile(r"tp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_UNKNOWN: Final = "the API key is unknown or revoked: make another with `manage.py create_api_key` or at /api/keys"


class ApiKeyRefused(Exception):
    """A key that is worthless; the message says why and what to do."""


def create_api_key(
    *,
    user: Any,
    name: str,
    scope: str = ApiKey.Scope.TRADE.value,
    expires_in_days: int | None = None,
    requests_per_minute: int | None = None,
) -> str:
    """Make a key for a user and return it; it cannot be shown again. Raises ValidationError for a name that is none."""
    _, key = make_api_key(
        user=user, name=name, scope=scope, expires_in_days=expires_in_days, requests_per_minute=requests_per_minute
    )
    return key


def make_api_key(
    *, user: Any, name: str, scope: str, expires_in_days: int | None, requests_per_minute: int | None
) -> tuple[ApiKey, str]:
    """Make a key for a user; return its row, and the key, which cannot be shown again.

    Raises ValidationError for a name that is none.
    """
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    made = ApiKey(
        user=user,
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        scope=scope,
        expires_at=None if expires_in_days is None else timezone.now() + timedelta(days=expires_in_days),
        requests_per_minute=requests_per_minute,
    )
    made.clean_fields(exclude={"user"})
    made.save()
    return made, f"tp_{prefix}_{secret}"


def revoke_api_key(*, user: Any, prefix: str) -> bool:
    """Revoke a key of a user; False when there is no such key that was not revoked already."""
    found = ApiKey.objects.filter(user=user, prefix=prefix, revoked_at=None)
    return found.update(revoked_at=timezone.now()) == 1


def check_api_key(key: str) -> ApiKey:
    """Return the key that this text is, with its user, and note that it was used.

    Raises ApiKeyRefused: unknown, revoked, expired, or its user inactive.
    """
    prefix, secret = _parts(key)
    now = timezone.now()
    found = _valid(ApiKey.objects.select_related("user").filter(prefix=prefix, revoked_at=None).first(), secret, now)
    before = now - LAST_USED_EVERY
    if found.last_used_at is None or found.last_used_at <= before:
        # The condition counts in the database too: of several processes that see an old instant, one writes.
        unwritten = Q(last_used_at=None) | Q(last_used_at__lte=before)
        ApiKey.objects.filter(unwritten, pk=found.pk).update(last_used_at=now)
    return found


_KEY_FIELDS: Final = tuple(field.attname for field in ApiKey._meta.concrete_fields)
_FIND: Final = f"""
    SELECT {", ".join(f"key.{name}" for name in _KEY_FIELDS)}, {users.COLUMNS},
        (SELECT access.role FROM {AccountAccess._meta.db_table} AS access
            WHERE access.user_id = holder.id AND access.account_id = %s)
    FROM {ApiKey._meta.db_table} AS key JOIN {users.TABLE} AS holder ON holder.id = key.user_id
    WHERE key.prefix = %s AND key.revoked_at IS NULL
"""  # noqa: S608 - of the names of our own columns.
_NOTE_USE: Final = f"""
    UPDATE {ApiKey._meta.db_table} SET last_used_at = %s
    WHERE id = %s AND (last_used_at IS NULL OR last_used_at <= %s)
"""  # noqa: S608 - of the name of our own table.


async def acheck_api_key(key: str, account_id: str | None) -> tuple[ApiKey, str | None]:
    """Return what `check_api_key` does, and the role that its user was given on the account, by one statement and
    without a thread. The user is one of users.py. Raises ApiKeyRefused.
    """
    prefix, secret = _parts(key)
    now = timezone.now()
    rows = await database.read_reserved(_FIND, [account_id, prefix])
    if not rows:
        raise ApiKeyRefused(_UNKNOWN)
    *values, role = rows[0]
    found = ApiKey.from_db(DEFAULT_DB_ALIAS, _KEY_FIELDS, values[: len(_KEY_FIELDS)])
    found.user = users.user_of(values[len(_KEY_FIELDS) :])
    _valid(found, secret, now)
    before = now - LAST_USED_EVERY
    if found.last_used_at is None or found.last_used_at <= before:
        await database.read_reserved(_NOTE_USE, [now, found.pk, before])
    return found, role


def _parts(key: str) -> tuple[str, str]:
    match = _KEY.fullmatch(key)
    if match is None:
        raise ApiKeyRefused(_UNKNOWN)
    return match[1], match[2]


def _valid(found: ApiKey | None, secret: str, now: datetime) -> ApiKey:
    """Return a key that was found by its prefix, if it is worth anything."""
    if found is None or not hmac.compare_digest(found.secret_hash, _hash(secret)) or not found.user.is_active:
        raise ApiKeyRefused(_UNKNOWN)
    if found.expires_at is not None and found.expires_at <= now:
        raise ApiKeyRefused(f"the API key expired at {found.expires_at:%Y-%m-%dT%H:%M:%SZ}: make another")
    return found


def bearer_key(header: str) -> str | None:
    """Return the API key of an Authorization header, None when its scheme is another one.

    As RFC 9110 has it (11.1, 11.4): the scheme's case does not matter, and one or more spaces follow it.
    """
    scheme, _, key = header.strip(" ").partition(" ")
    return key.strip(" ") if scheme.lower() == "bearer" else None


def prefix_of(key: str) -> str | None:
    """Return the public part of a key, None for a text that is no key."""
    match = _KEY.fullmatch(key)
    return None if match is None else match[1]


def key_digest(key: str) -> bytes:
    """Return what a key is held as in memory."""
    return hashlib.sha256(key.encode()).digest()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
