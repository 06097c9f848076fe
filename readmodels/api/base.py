"""What every query over REST does: check the parameters, who asks, and whether anything changed since they last asked.

An answer about one account carries an entity tag made of the version that its rows stand on. Whoever sends it back
(`If-None-Match`) is told 304 without a further look, as long as nothing changed. The version is read before the rows,
so a tag is never newer than what it stands for. A rebuild makes tables anew, and with them every tag.
"""

import hashlib
import uuid
from pathlib import Path
from typing import Any, ClassVar, Final

from django.http import Http404, HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import role_on_account
from readmodels import queries, shapes
from readmodels.api import parameters
from readmodels.api import serializers as s

PROBLEMS: Final = dict.fromkeys((400, 401, 404, 503), s.ProblemSerializer)
_SHAPES: Final = hashlib.sha256(Path(shapes.__file__).read_bytes()).hexdigest()[:8]
"""Part of every tag: a release that shows more is not answered for by what an older one sent."""


class QueryView(APIView):
    """Base of all: knows which parameters it takes."""

    takes: ClassVar[tuple[type[s.Base], ...]] = ()

    def asked(self, request: Request) -> dict[str, Any]:
        """Return the checked parameters; raises ValidationError, a 400 that names what is wrong or not known."""
        known = sorted(name for serializer in self.takes for name in serializer().fields)
        for name in request.query_params:
            if name not in known:
                raise ValidationError({name: f"there is no such parameter here: it takes {', '.join(known) or 'none'}"})
        found: dict[str, Any] = {}
        for serializer in self.takes:
            found |= parameters.check(serializer, request.query_params)
        return found


class AccountScopedView(QueryView):
    """Base of the views of one account."""

    takes: ClassVar[tuple[type[s.Base], ...]] = (parameters.VersionParameter,)

    def get(self, request: Request, account_id: uuid.UUID, **place: Any) -> HttpResponseBase:
        """Return what the view answers, or 304 when the asking client has it already."""
        asked = self.asked(request)
        role = self.role(request, account_id, asked)
        tag = _tag(request, account_id, role)
        unchanged = get_conditional_response(request._request, etag=tag)
        response = Response(self.answer(account_id, asked, role=role, **place)) if unchanged is None else unchanged
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response

    def answer(self, account_id: uuid.UUID, asked: dict[str, Any], *, role: str, **place: Any) -> Any:
        """Return what is shown."""
        raise NotImplementedError

    def role(self, request: Request, account_id: uuid.UUID, asked: dict[str, Any]) -> str:
        """Return the asking user's role, once the version that is asked for is there.

        Raises Http404 for somebody without a role, as if there were no such account.
        """
        role = role_on_account(request.user, str(account_id))
        if role is None:
            raise not_found(account_id)
        min_version = asked.get("min_version")
        if min_version is not None:
            queries.wait_for_version(account_id=str(account_id), min_version=min_version)
        return role


def not_found(account_id: uuid.UUID) -> Http404:
    """Return what is said of an account that is not there, or not to be seen."""
    return Http404(f"There is no account {account_id} that you may see.")


def _tag(request: Request, account_id: uuid.UUID, role: str) -> str:
    table, version = queries.edition(account_id=str(account_id))
    asked = hashlib.sha256(f"{request.get_full_path()} {role}".encode()).hexdigest()[:16]
    return f'"{version}-{table}-{_SHAPES}-{asked}"'
