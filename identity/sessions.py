"""Sessions of browsers: Django's, in the database, and logins that are locked for a while after too many wrong
passwords.

django-axes counts the failures, for each user and address, and refuses; it is reset in the admin (Access attempts) or
by `manage.py axes_reset`. Only what it found about a request that failed to log in is read here, so requests that log
nobody in cost nothing.
"""

import math
import re
from typing import Any, Final, NamedTuple

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from edge import database
from identity import users

_KEY: Final = re.compile(r"[0-9a-z]{32}")


_DATA: Final = f"SELECT session_data FROM {Session._meta.db_table} WHERE session_key = %s AND expire_date > %s"  # noqa: S608
_USER: Final = f"SELECT {users.COLUMNS}, password FROM {users.TABLE} AS holder WHERE id = %s AND is_active"  # noqa: S608


class SessionStore(DatabaseSessionStore):
    """A session; a cookie that cannot be the key of one is not looked up."""

    async def aload(self) -> dict[str, Any]:
        """Return what the session holds, without a thread."""
        rows = await database.read_for_socket(_DATA, [self.session_key, timezone.now()])
        if rows:
            return dict(self.decode(rows[0][0]))
        self._session_key = None
        return {}

    def _validate_session_key(self, key: Any) -> bool:
        """Tell whether Django makes such keys: any other text (one with a NUL) may be none that a database can hold."""
        return isinstance(key, str) and _KEY.fullmatch(key) is not None


async def auser_of_session(session: SessionStore) -> Any | None:
    """Return who is logged in with a session (users.py), without a thread; None when nobody is.

    As Django's `get_user`, but that a session which has become worthless is left for others to delete.
    """
    if await session.aget(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    rows = await database.read_for_socket(_USER, [session.get(SESSION_KEY)])
    if not rows:
        return None
    *values, password = rows[0]
    return users.user_of(values) if is_of_password(session.get(HASH_SESSION_KEY), password) else None


def is_of_password(session_hash: str | None, password: str) -> bool:
    """Tell whether a session was opened with a user's password, which is given as it is stored."""
    user = get_user_model()(password=password)
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(session_hash or "", each) for each in hashes)


USERNAME_LENGTH_MAX: Final = 150
"""Characters of a user's name, as Django's users have it."""


class Lock(NamedTuple):
    """A locked login, and how long it still is."""

    seconds: int

    @property
    def message(self) -> str:
        """Say what to do."""
        minutes = math.ceil(self.seconds / 60)
        return (
            f"Too many wrong passwords for this user from this address: wait {minutes} minute{'s'[: minutes > 1]}, "
            "or ask an operator to reset it."
        )


def counted_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return the name that a failed login is counted by: what was typed, no longer than a user's name can be.

    The form of Django's admin takes longer ones, and no column would hold them (AXES_USERNAME_CALLABLE).
    """
    given = request.POST.get("username") if credentials is None else credentials.get("username")
    return str(given or "")[:USERNAME_LENGTH_MAX]


def lock_of(request: HttpRequest, *, username: str) -> Lock | None:
    """Return the lock that a login which just failed came up against, or None when it was simply wrong."""
    if not getattr(request, "axes_locked_out", False):
        return None
    address = getattr(request, "axes_ip_address", None)
    attempts = AccessAttempt.objects.filter(username=username[:USERNAME_LENGTH_MAX], ip_address=address)
    found = attempts.order_by("-attempt_time").first()
    if found is None:
        return Lock(1)  # Somebody reset it this very moment.
    ends_at = found.attempt_time + settings.AXES_COOLOFF_TIME
    return Lock(max(1, math.ceil((ends_at - timezone.now()).total_seconds())))


_AdminForm: Any = (
    AdminAuthenticationForm  # The type checker's plugin for Django fails on a form that is derived from it.
)


class LoginForm(_AdminForm):
    """The login form of the admin, which says when a login is locked."""

    def get_invalid_login_error(self) -> ValidationError:
        """Return what to show after a login that failed."""
        request: Any = self.request
        lock = lock_of(request, username=self.cleaned_data["username"])
        return super().get_invalid_login_error() if lock is None else ValidationError(lock.message, code="locked")
