"""The view functions of an account's views: the short way to an answer, and waiting for a version.

Django REST framework takes a request apart, authenticates and renders: several milliseconds, most of them spent on what
was found out a moment ago. A key that was found valid within the last second (accounts/recent_access.py), and that asks
for JSON, gets its answer from the same view object without it: the same parameters, the same tag, the same rows. Its
role on the account is asked for, unless that was found within the last second as well. Everything else, and everything
that goes wrong, goes the long way, which has the words for it.
"""

import uuid
from collections.abc import Callable
from typing import Any, Final

import structlog
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from accounts.authentication import bearer_key
from accounts.permissions import role_on_account
from accounts.recent_access import RecentAccess
from edge import parameters
from readmodels.api.base import AccountScopedView
from readmodels.api.waiting import answer_in_time, is_version_missing
from readmodels.listings import SearchTooLong

log = structlog.get_logger(__name__)

_JSON: Final = frozenset({"", "*/*", "application/json"})
_recent_roles: Final = RecentAccess[str]()
"""The role on an account with which a key has just seen it."""
_recent_users: Final = RecentAccess[Any]()
"""Whose key has just been found valid."""


def directly(view: type[AccountScopedView]) -> Callable[..., Any]:
    """Return the view function of an account's view, with the short way."""
    return _view_function(view, {}, has_short_way=True)


def in_time(view: type[AccountScopedView], **options: Any) -> Callable[..., Any]:
    """Return the view function of an account's view that goes the long way only, and waits for a version as well."""
    return _view_function(view, options, has_short_way=False)


def _view_function(
    view: type[AccountScopedView], options: dict[str, Any], *, has_short_way: bool
) -> Callable[..., Any]:
    long_way = view.as_view(**options)

    @csrf_exempt
    async def answer(request: HttpRequest, account_id: uuid.UUID, **place: Any) -> HttpResponseBase:
        key = bearer_key(request.headers.get("Authorization", ""))
        is_plain = key is not None and request.method == "GET" and request.headers.get("Accept", "") in _JSON

        async def ask() -> HttpResponseBase | None:
            user = _recent_users.find(key, None) if is_plain and has_short_way and key is not None else None
            if key is not None and user is not None:
                response = await sync_to_async(_answer)(view(), request, account_id, key, user, place)
                if response is not None or is_version_missing(request):
                    return response
            return await ask_the_long_way()

        async def ask_the_long_way() -> HttpResponseBase:
            return await sync_to_async(_long_answer)(long_way, key, request, account_id, place)

        response = await answer_in_time(request, str(account_id), ask)
        return await ask_the_long_way() if response is None else response

    answer.cls = view  # type: ignore[attr-defined] # The OpenAPI document is made from it.
    answer.initkwargs = options  # type: ignore[attr-defined]
    return answer


def _answer(
    view: AccountScopedView, request: HttpRequest, account_id: uuid.UUID, key: str, user: Any, place: dict[str, Any]
) -> HttpResponseBase | None:
    """Return the answer, None when there is anything to say but the answer."""
    try:
        role = _recent_roles.find(key, str(account_id))
        if role is None:
            role = role_on_account(user, str(account_id))
            if role is None:
                return None
            # As old as the user, of whom flags and groups were read: so what is taken away counts within a second.
            _recent_roles.remember(key, str(account_id), role, as_of=_recent_users.found_at(key, None))
        asked = parameters.check(view.takes, request.GET)
        return view.answered(request, asked, account_id, role, place)
    except SearchTooLong as error:  # The long way says so, and does not search again.
        request.searched_in_vain = error  # type: ignore[attr-defined]
        return None
    except Exception as error:  # Whatever it is: the long way finds it again, and says it as problem+json.
        log.debug("answered the long way", path=request.path, reason=repr(error))
        return None


def _long_answer(
    long_way: Callable[..., HttpResponseBase],
    key: str | None,
    request: HttpRequest,
    account_id: uuid.UUID,
    place: dict[str, Any],
) -> HttpResponseBase:
    response = long_way(request, account_id=account_id, **place)
    if key is None:
        return response
    role = getattr(response, "role", None)
    if role is not None:
        _recent_roles.remember(key, str(account_id), role)
        _recent_users.remember(key, None, request.user)
    return response
