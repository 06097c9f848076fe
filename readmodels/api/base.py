"""What every query of one account over REST does: find out who asks, and whether anything changed since they last did.

An answer about one account carries an entity tag made of the version that its rows stand on. Whoever sends it back
(`If-None-Match`) is told 304 without a further look, as long as nothing changed. The version is read before the rows,
so a tag is never newer than what it stands for. A rebuild makes tables anew, and with them every tag; another event
store has other tags.
"""

import hashlib
import uuid
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.permissions import role_on_account
from edge.parameters import Declared
from edge.views import RestView
from eventstore.provider import get_store
from readmodels import firm_shapes, queries, shapes
from readmodels.api import parameters
from readmodels.api import serializers as s
from readmodels.api.kept_answers import kept_answers
from readmodels.queries import VersionNotAvailable

PROBLEMS: Final = dict.fromkeys((400, 401, 404, 503), s.ProblemSerializer)
encode: Final = msgspec.json.Encoder().encode
_SHAPES: Final = hashlib.sha256(
    b"".join(Path(str(each.__file__)).read_bytes() for each in (shapes, firm_shapes))
).hexdigest()[:8]
"""Part of every tag: a release that shows more is not answered for by what an older one sent."""


class AccountScopedView(RestView):
    """Base of the views of one account."""

    takes: ClassVar[Declared] = (parameters.VersionParameter, parameters.FieldsParameter)
    shows: ClassVar[s.Serializer]
    """What `answer` returns, or each of its `results`."""

    def edition(self) -> str:
        """Return what the answer stands on beside the account's version, such as today's date."""
        return ""

    def get(self, request: Request, account_id: uuid.UUID, **place: Any) -> HttpResponseBase:
        """Return what the view answers, or 304 when the asking client has it already."""
        role = self.role(request, account_id)
        searched_in_vain: Exception | None = getattr(request._request, "searched_in_vain", None)
        if searched_in_vain is not None:
            raise searched_in_vain
        response = self.answered(request._request, self.asked, account_id, role, place)
        response.role = role  # type: ignore[attr-defined] # For who asks again (direct.py).
        return response

    def answered(
        self, request: HttpRequest, asked: dict[str, Any], account_id: uuid.UUID, role: str, place: dict[str, Any]
    ) -> HttpResponseBase:
        """Return the answer to somebody with a role on the account; raises VersionNotAvailable."""
        stands_on = queries.edition(account_id=str(account_id))
        require_version(request, asked, stands_on.version)
        tag = _tag(request, stands_on, role, self.edition())
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


def _only(names: list[str], shown: dict[str, Any]) -> dict[str, Any]:
    """Return some fields of an answer, or of each of its rows; where the next page begins is not a field."""
    if "results" in shown:
        return {**shown, "results": [{name: row[name] for name in names} for row in shown["results"]]}
    return {name: shown[name] for name in names}


def require_version(request: HttpRequest, asked: dict[str, Any], version: int) -> None:
    """Raise VersionNotAvailable when a later version is asked for, and note that on the request.

    Nobody waits for it here, on a thread and with a connection: waiting.py does, and then asks again.
    """
    min_version = asked.get("min_version")
    if min_version is not None and version < min_version:
        error = VersionNotAvailable(wanted=min_version, found=version)
        request.not_available = error  # type: ignore[attr-defined]
        raise error


def not_found(account_id: uuid.UUID) -> Http404:
    """Return what is said of an account that is not there, or not to be seen."""
    return Http404(f"There is no account {account_id} that you may see.")


def _tag(request: HttpRequest, stands_on: queries.Edition, role: str, edition: str) -> str:
    table, version, owner_name = stands_on
    store_id = get_store().metadata.store_id
    asked = f"{store_id} {request.get_full_path()} {role} {owner_name} {edition}"
    return f'"{version}-{table}-{_SHAPES}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"'
