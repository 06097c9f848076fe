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

from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiKey

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
    match = _KEY.fullmatch(key)
    if match is None:
        raise ApiKeyRefused(_UNKNOWN)
    prefix, secret = match.groups()
    found = ApiKey.objects.select_related("user").filter(prefix=prefix, revoked_at=None).first()
    if found is None or not hmac.compare_digest(found.secret_hash, _hash(secret)) or not found.user.is_active:
        raise ApiKeyRefused(_UNKNOWN)
    now = timezone.now()
    if found.expires_at is not None and found.expires_at <= now:
        raise ApiKeyRefused(f"the API key expired at {found.expires_at:%Y-%m-%dT%H:%M:%SZ}: make another")
    _note_use(found, now)
    return found


def prefix_of(key: str) -> str | None:
    """Return the public part of a key, None for a text that is no key."""
    match = _KEY.fullmatch(key)
    return None if match is None else match[1]


def find_api_key(key: str) -> ApiKey | None:
    """Return the valid key that this text is, with its user, or None."""
    try:
        return check_api_key(key)
    except ApiKeyRefused:
        return None


def _note_use(key: ApiKey, now: datetime) -> None:
    before = now - LAST_USED_EVERY
    if key.last_used_at is None or key.last_used_at <= before:
        # The condition counts in the database too: of several processes that see an old instant, one writes.
        unwritten = Q(last_used_at=None) | Q(last_used_at__lte=before)
        ApiKey.objects.filter(unwritten, pk=key.pk).update(last_used_at=now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
