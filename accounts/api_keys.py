"""API keys: made, shown once, hashed at rest.

A key is "tp_<prefix>_<secret>": the prefix finds the row, the secret has 256 random bits, so a plain SHA-256 of it is
enough (there is nothing to guess, unlike with a password).
"""

import hashlib
import hmac
import re
import secrets
from typing import Any, Final

from accounts.models import ApiKey

_KEY: Final = re.compile(r"tp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


def create_api_key(*, user: Any, name: str) -> str:
    """Make a key for a user and return it; it cannot be shown again."""
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    ApiKey.objects.create(user=user, name=name, prefix=prefix, secret_hash=_hash(secret))
    return f"tp_{prefix}_{secret}"


def find_api_key(key: str) -> ApiKey | None:
    """Return the valid key that this text is, with its user, or None: unknown, revoked, or its user inactive."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    prefix, secret = match.groups()
    found = ApiKey.objects.select_related("user").filter(prefix=prefix, revoked_at=None).first()
    if found is None or not hmac.compare_digest(found.secret_hash, _hash(secret)) or not found.user.is_active:
        return None
    return found


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
