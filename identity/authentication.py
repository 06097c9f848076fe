"""Who is asking: a session of the browser (with CSRF) or an API key, the same rule on GraphQL, REST and WebSocket.

`Principal.actor` is what goes into the events (identity/actors.py).
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from identity.actors import key_actor, session_actor
from identity.api_keys import ApiKeyRefused, acheck_api_key, check_api_key, find_api_key, prefix_of
from identity.models import ApiKey
from identity.rate_limits import ProcessRateLimits

_SCHEME: Final = "bearer"


class Principal(NamedTuple):
    """An authenticated user, the actor as which its commands are recorded, and what its key is for."""

    user: Any
    actor: str
    scope: str = ApiKey.Scope.TRADE.value


@lru_cache(maxsize=1)
def rate_limits() -> ProcessRateLimits:
    """Return the rate limits of this process; a key becomes known to them when it is found valid here."""
    return ProcessRateLimits()


class CSRFRefused(Exception):
    """A session without the token that proves that the page is ours."""


def principal_of(request: HttpRequest) -> Principal | None:
    """Return who sends an HTTP request, or None when nobody is logged in (synchronous: it asks the database).

    Raises AuthenticationFailed for a wrong key, CSRFRefused for a session without its CSRF token.
    """
    key = bearer_key(request.headers.get("Authorization", ""))
    if key is not None:
        return _principal_of_key(key)
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    _enforce_csrf(request)
    return Principal(user, session_actor(user_id=user.pk, username=user.get_username()))


class ApiKeyAuthentication(BaseAuthentication):
    """Django REST framework's view of API keys: `Authorization: Bearer tp_...`."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the key's user, or None when no key is given; raises AuthenticationFailed for a wrong one."""
        key = bearer_key(request.headers.get("Authorization", ""))
        return None if key is None else (_principal_of_key(key).user, key)

    def authenticate_header(self, request: Request) -> str:
        """Make an unauthenticated answer a 401."""
        return "Bearer"


async def api_key_from_scope(scope: dict[str, Any]) -> ApiKey | None:
    """Return the valid API key that a WebSocket sends, with its user, or None."""
    headers = dict(scope.get("headers", []))
    key = bearer_key(headers.get(b"authorization", b"").decode("latin-1"))
    return None if key is None else await database_sync_to_async(find_api_key)(key)


def bearer_key(header: str) -> str | None:
    """Return the API key of an Authorization header, None when its scheme is another one.

    As RFC 9110 has it (11.1, 11.4): the scheme's case does not matter, and one or more spaces follow it.
    """
    scheme, _, key = header.strip(" ").partition(" ")
    return key.strip(" ") if scheme.lower() == _SCHEME else None


def asker_of(request: HttpRequest, user: Any) -> str:
    """Return what bounds are counted by, once a request was authenticated: its API key, or the user of a session."""
    key = bearer_key(request.headers.get("Authorization", ""))
    return f"user:{user.pk}" if key is None else f"key:{prefix_of(key)}"


async def aprincipal_of_key(key: str) -> tuple[Principal, frozenset[str]]:
    """Return whose key this is, and the names of that user's groups, without a thread; raises AuthenticationFailed."""
    try:
        found, groups = await acheck_api_key(key)
    except ApiKeyRefused as error:
        raise AuthenticationFailed(str(error)) from error
    return _principal(found, key), groups


def _principal_of_key(key: str) -> Principal:
    try:
        return _principal(check_api_key(key), key)
    except ApiKeyRefused as error:
        raise AuthenticationFailed(str(error)) from error


def _principal(found: ApiKey, key: str) -> Principal:
    own = found.requests_per_minute
    limit: int = settings.API_KEY_REQUESTS_PER_MINUTE if own is None else own
    rate_limits().know(key, name=found.prefix, limit=limit)
    user = found.user
    actor = key_actor(user_id=user.pk, username=user.get_username(), key_id=found.pk, key_name=found.name)
    return Principal(user, actor, found.scope)


def _enforce_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda _: None)
    check.process_request(request)
    reason = check.process_view(request, None, (), {})
    if reason:
        raise CSRFRefused("the session's CSRF token is missing or wrong: send it as the X-CSRFToken header")
