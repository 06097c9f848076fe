"""What every query over REST does: check the parameters, who asks, and whether anything changed since they last asked.

An answer about one account carries an entity tag made of the version that its rows stand on. Whoever sends it back
(`If-None-Match`) is told 304 without a further look, as long as nothing changed. The version is read before the rows,
so a tag is never newer than what it stands for. A rebuild makes tables anew, and with them every tag; another event
store has other tags.
"""

import hashlib
import uuid
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils.cache import get_conditional_response
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.permissions import role_on_account
from eventstore.provider import get_store
from readmodels import firm_shapes, queries, shapes
from readmodels.api import parameters
from readmodels.api import serializers as s
from readmodels.api.kept_answers import kept_answers

PROBLEMS: Final = dict.fromkeys((400, 401, 404, 503), s.ProblemSerializer)
encode: Final = msgspec.json.Encoder().encode
_SHAPES: Final = hashlib.sha256(
    b"".join(Path(str(each.__file__)).read_bytes() for each in (shapes, firm_shapes))
).hexdigest()[:8]
"""Part of every tag: a release that shows more is not answered for by what an older one sent."""


class QueryView(APIView):
    """Base of all: knows which parameters it takes."""

    takes: ClassVar[tuple[type[s.Base], ...]] = ()

    def asked(self, given: QueryDict) -> dict[str, Any]:
        """Return the checked parameters; raises ValidationError, a 400 that names what is wrong or not known."""
        if not given:
            return dict(_defaults(self.takes))
        known = sorted(name for serializer in self.takes for name in serializer().fields)
        for name, value in given.items():
            if name not in known:
                raise ValidationError({name: f"there is no such parameter here: it takes {', '.join(known) or 'none'}"})
            if value == "":
                raise ValidationError({name: "it is empty: leave it out, or say what"})
        found: dict[str, Any] = {}
        for serializer in self.takes:
            found |= parameters.check(serializer, given)
        return found


class AccountScopedView(QueryView):
    """Base of the views of one account."""

    takes: ClassVar[tuple[type[s.Base], ...]] = (parameters.VersionParameter, parameters.FieldsParameter)
    shows: ClassVar[type[s.Base]]
    """What `answer` returns, or each of its `results`."""

    def edition(self) -> str:
        """Return what the answer stands on beside the account's version, such as today's date."""
        return ""

    def get(self, request: Request, account_id: uuid.UUID, **place: Any) -> HttpResponseBase:
        """Return what the view answers, or 304 when the asking client has it already."""
        role = self.role(request, account_id)
        waited_in_vain: Exception | None = getattr(request._request, "waited_in_vain", None)
        if waited_in_vain is not None:
            raise waited_in_vain
        response = self.answered(request._request, request.query_params, account_id, role, place)
        response.role = role  # type: ignore[attr-defined] # For who asks again (direct.py).
        return response

    def answered(
        self, request: HttpRequest, given: QueryDict, account_id: uuid.UUID, role: str, place: dict[str, Any]
    ) -> HttpResponseBase:
        """Return the answer to somebody with a role on the account, once the version that is asked for is there."""
        asked = self.asked(given)
        wait_for(account_id, asked)
        tag = _tag(request, account_id, role, self.edition())
        response = get_conditional_response(request, etag=tag)
        if response is None:
            kept = kept_answers()
            body = kept.find(tag)
            if body is None:
                names = self._names(asked)
                shown = self.answer(account_id, asked, role=role, **place)
                body = encode(shown if names is None else _only(names, shown))
                kept.keep(tag, body)
            response = HttpResponse(body, content_type="application/json")
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return what is shown."""
        raise NotImplementedError

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

    def role(self, request: Request, account_id: uuid.UUID) -> str:
        """Return the asking user's role; raises Http404 for somebody without one, as if there were no such account."""
        role = role_on_account(request.user, str(account_id))
        if role is None:
            raise not_found(account_id)
        return role


@lru_cache
def _defaults(takes: tuple[type[s.Base], ...]) -> dict[str, Any]:
    """Return what is asked for by a request without parameters."""
    return {name: value for serializer in takes for name, value in parameters.check(serializer, {}).items()}


def _only(names: list[str], shown: dict[str, Any]) -> dict[str, Any]:
    """Return some fields of an answer, or of each of its rows; where the next page begins is not a field."""
    if "results" in shown:
        return {**shown, "results": [{name: row[name] for name in names} for row in shown["results"]]}
    return {name: shown[name] for name in names}


def wait_for(account_id: uuid.UUID, asked: dict[str, Any]) -> None:
    """Return once the account's rows have the version that is asked for, if one is; raises VersionNotAvailable."""
    min_version = asked.get("min_version")
    if min_version is not None:
        queries.wait_for_version(account_id=str(account_id), min_version=min_version)


def not_found(account_id: uuid.UUID) -> Http404:
    """Return what is said of an account that is not there, or not to be seen."""
    return Http404(f"There is no account {account_id} that you may see.")


def _tag(request: HttpRequest, account_id: uuid.UUID, role: str, edition: str) -> str:
    table, version, owner_name = queries.edition(account_id=str(account_id))
    store_id = get_store().metadata.store_id
    asked = hashlib.sha256(f"{store_id} {request.get_full_path()} {role} {owner_name} {edition}".encode()).hexdigest()[
        :16
    ]
    return f'"{version}-{table}-{_SHAPES}-{asked}"'
