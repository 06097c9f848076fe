"""Who is asking: a session of the browser (with CSRF) or an API key, the same rule on GraphQL, REST and WebSocket.

`Principal.actor` is what goes into the events (identity/actors.py).
"""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from identity.actors import key_actor, session_actor
from identity.api_keys import ApiKeyRefused, acheck_api_key, bearer_key, check_api_key, prefix_of
from identity.models import ApiKey
from identity.rate_limits import rate_limits


class Principal(NamedTuple):
    """An authenticated user, the actor as which its commands are recorded, and what its key is for."""

    user: Any
    actor: str
    scope: str = ApiKey.Scope.TRADE.value


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


def asker_of(request: HttpRequest, user: Any) -> str:
    """Return what bounds are counted by, once a request was authenticated: its API key, or the user of a session."""
    key = bearer_key(request.headers.get("Authorization", ""))
    return f"user:{user.pk}" if key is None else f"key:{prefix_of(key)}"


async def aprincipal_of_key(key: str, account_id: str | None) -> tuple[Principal, str | None]:
    """Return whose key this is and their role on the account, without a thread; raises AuthenticationFailed."""
    try:
        found, role = await acheck_api_key(key, account_id)
    except ApiKeyRefused as error:
        raise AuthenticationFailed(str(error)) from error
    return _principal(found, key), role


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
