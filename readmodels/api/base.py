"""What every query of one account over REST does, on the event loop and with one statement: find out who asks, what
they may see there, whether the account is at the version that they want, and whether anything changed since they last
asked.

An answer about one account carries an entity tag made of the version that its rows stand on. Whoever sends it back
(`If-None-Match`) is told 304 as long as nothing changed. A rebuild makes tables anew, and with them every tag; another
event store has other tags.
"""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed, NotAcceptable, NotAuthenticated, ValidationError

from edge.rest import Declared, RestView, check
from eventstore.store import get_store
from identity.authentication import asker_of
from identity.permissions import Access, aaccess_of
from readmodels import shapes
from readmodels.api import serializers as s
from readmodels.api.parameters import FieldsParameter, VersionParameter
from readmodels.api.problems import problem_response
from readmodels.firm import firm_shapes
from readmodels.projections.rows import Row
from readmodels.queries.account_queries import Edition, Found, NoRole, Query, find_account

PROBLEMS: Final = dict.fromkeys((400, 401, 404, 503), s.ProblemSerializer)
METHODS: Final = ("GET", "HEAD", "OPTIONS")
_JSON: Final = "application/json"
_ACCEPTED: Final = frozenset({"", "*/*", _JSON})
_encode: Final = msgspec.json.Encoder().encode
_SHAPES: Final = hashlib.sha256(
    b"".join(Path(str(each.__file__)).read_bytes() for each in (shapes, firm_shapes))
).hexdigest()[:8]
"""Part of every tag: a release that shows more is not answered for by what an older one sent."""


class AsyncView(RestView):
    """Base of the views that cost no thread. They are classes of Django REST framework for the OpenAPI document only:
    what the framework does for every request takes longer than the answer.
    """

    @classmethod
    def as_view(cls, **options: Any) -> Callable[..., Any]:
        """Return the view function; every request has a view of its own."""

        @csrf_exempt
        async def view(request: HttpRequest, **place: Any) -> HttpResponseBase:
            try:
                return await cls(**options).respond(request, place)
            except Exception as error:
                return problem_response(error, path=request.path, methods=METHODS)

        view.cls = cls  # type: ignore[attr-defined] # The OpenAPI document is made from it.
        view.initkwargs = options  # type: ignore[attr-defined]
        return view

    async def respond(self, request: HttpRequest, place: dict[str, Any]) -> HttpResponseBase:
        """Return the answer; raises what problems.py puts into words."""
        if not self.is_accepted(request):
            raise NotAcceptable
        access = await who_asks(request)
        if request.method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(METHODS)})
        if request.method not in METHODS:
            raise MethodNotAllowed(str(request.method))
        asked = check(self.takes, request.GET)
        return await self.get(request, access=access, asked=asked, **place)

    def is_accepted(self, request: HttpRequest) -> bool:
        """Tell whether the client takes what this view answers with."""
        return request.headers.get("Accept", "") in _ACCEPTED or request.accepts(_JSON)

    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return what the view answers."""
        raise NotImplementedError


class AccountScopedView(AsyncView):
    """Base of the views of one account."""

    takes: ClassVar[Declared] = (VersionParameter, FieldsParameter)
    asks: ClassVar[Query]
    """What is asked of the database, for a view whose query takes no values."""
    shows: ClassVar[s.Serializer]
    """What `answer` returns, or each of its `results`."""

    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return what the view answers, or 304 when the asking client has it already."""
        account_id: uuid.UUID = place["account_id"]
        query, values = self.query(asked, place)
        names = self._names(asked)
        found, role = await find(request, query, values, account_id=account_id, access=access, asked=asked)
        tag = _tag(request, found.edition, role, self.edition())
        response = get_conditional_response(request, etag=tag)
        if response is None:
            shown = await self.answer(found.rows, asked, role=role, **place)
            response = answer_with(shown if names is None else _only(names, shown))
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response

    def query(self, asked: dict[str, Any], place: dict[str, Any]) -> tuple[Query, Sequence[Any]]:
        """Return what is asked of the database, and its values."""
        return self.asks, ()

    async def answer(
        self, rows: list[Row], asked: dict[str, Any], *, role: str, account_id: uuid.UUID, **place: Any
    ) -> dict[str, Any]:
        """Return what is shown of the rows."""
        raise NotImplementedError

    def edition(self) -> str:
        """Return what the answer stands on beside the account's version, such as today's date."""
        return ""

    def _names(self, asked: dict[str, Any]) -> list[str] | None:
        """Return the names that are asked for; raises ValidationError for one that nothing here has."""
        if "fields" not in asked:
            return None
        known = list(self.shows().fields)
        names = [name.strip() for name in asked["fields"].split(",")]
        for name in names:
            if name not in known:
                raise ValidationError({"fields": f"there is no {name!r} here: there are {', '.join(known)}"})
        return names


async def find(
    request: HttpRequest,
    query: Query,
    values: Sequence[Any] = (),
    *,
    account_id: uuid.UUID,
    access: Access,
    asked: dict[str, Any],
) -> tuple[Found, str]:
    """Return what a query finds for a request, and the role of who asks; raises Http404 for somebody without one."""
    try:
        return await find_account(
            query,
            values=values,
            account_id=account_id,
            access=access,
            asker=asker_of(request, access.principal.user),
            ask_again=partial(who_asks, request),
            min_version=asked.get("min_version", 0),
        )
    except NoRole as error:
        raise not_found(account_id) from error


async def who_asks(request: HttpRequest) -> Access:
    """Return who sends a request; raises NotAuthenticated when nobody is logged in."""
    access = await aaccess_of(request)
    if access is None:
        raise NotAuthenticated
    return access


def _only(names: list[str], shown: dict[str, Any]) -> dict[str, Any]:
    """Return some fields of an answer, or of each of its rows; where the next page begins is not a field."""
    if "results" in shown:
        return {**shown, "results": [{name: row[name] for name in names} for row in shown["results"]]}
    return {name: shown[name] for name in names}


def answer_with(shown: dict[str, Any]) -> HttpResponse:
    """Return an answer as JSON."""
    return HttpResponse(_encode(shown), content_type=_JSON)


def not_found(account_id: uuid.UUID) -> Http404:
    """Return what is said of an account that is not there, or not to be seen."""
    return Http404(f"There is no account {account_id} that you may see.")


def _tag(request: HttpRequest, edition: Edition, role: str, more: str) -> str:
    table, version, owner_name = edition
    store_id = get_store().metadata.store_id
    asked = f"{store_id} {request.get_full_path()} {role} {owner_name} {more}"
    return f'"{version}-{table}-{_SHAPES}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"'
