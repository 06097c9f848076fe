"""REST: every account that one may see as of one instant, streamed as lines of JSON while they are found.

The first lines are waited for, so that what is wrong from the start is a problem with its status. Whatever is found to
be wrong later is the last line, `{"error": ...}`; only an answer whose last line is `{"totals": ...}` is whole.
"""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Final

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import Throttled
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from edge.request_thread import give_back_connections, on_another_thread
from identity.credentials import credential_of, while_granted
from identity.permissions import accessible_account_ids
from temporal.api.parameters import InstantParameters
from temporal.api.rest import TemporalProblemSerializer, TemporalView
from temporal.as_of.as_of import instant
from temporal.as_of.firm import Totals, accounts_as_of
from temporal.as_of.shapes import AccountLine, FirmLine, TotalsAsOf
from temporal.errors import TemporalError

LINES_AT_ONCE: Final = 200
WHOLE_FIRM_AT_ONCE: Final = 1
"""Replays of the whole journal that one web process does at a time: each keeps a processor busy."""
RETRY_AFTER_SECONDS: Final = 5

_whole_firm: Final = threading.BoundedSemaphore(WHOLE_FIRM_AT_ONCE)
_DONE: Final = object()


class NewlineDelimitedRenderer(JSONRenderer):
    """Lets a client accept lines of JSON; problems are shown as JSON all the same."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class FirmAsOfView(TemporalView):
    """All accounts that one may see, at any instant."""

    takes = (InstantParameters,)
    renderer_classes = [JSONRenderer, NewlineDelimitedRenderer]

    @extend_schema(
        operation_id="as_of",
        responses={
            (200, "application/x-ndjson"): FirmLine.serializer(),
            **dict.fromkeys((400, 401, 429, 500), TemporalProblemSerializer),
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Return a line for each account, and a last one with totals; now when no instant is given."""
        now = datetime.now(UTC)
        asked = self.asked.get("at")
        at = now if asked is None else instant(asked, now=now)
        account_ids = accessible_account_ids(request.user)
        credential = credential_of(request._request, user=request.user, needs_every_account=account_ids is None)
        found = while_granted(lines(at, account_ids), credential)
        first = list(islice(found, LINES_AT_ONCE))
        return StreamingHttpResponse(_streamed(first, found), content_type="application/x-ndjson")


def lines(at: datetime, account_ids: list[str] | None) -> Iterator[str]:
    """Yield a line for each of these accounts (None: all of the firm), and the totals.

    Raises Throttled when this process is busy with another whole firm, and TemporalError.
    """
    if account_ids is None and not _whole_firm.acquire(blocking=False):
        raise Throttled(RETRY_AFTER_SECONDS, "the whole firm is being read for somebody else; ask again in a moment")
    try:
        totals = Totals(at)
        for account in accounts_as_of(at, account_ids=account_ids):
            totals.add(account)
            yield _line(AccountLine.show(account))
        yield _line({"totals": TotalsAsOf.show(totals)})
    finally:
        if account_ids is None:
            _whole_firm.release()


async def _streamed(first: list[str], rest: Iterator[str]) -> AsyncIterator[str]:
    """Yield lines many at a time, read on a thread, so that the process goes on serving others."""
    try:
        await give_back_connections()
        yield "".join(first)
        while (some := await on_another_thread(partial(_next, rest))) is not _DONE:
            yield some
    finally:
        await on_another_thread(rest.close)  # type: ignore[attr-defined]


def _next(rest: Iterator[str]) -> Any:
    some: list[str] = []
    try:
        some += islice(rest, LINES_AT_ONCE)
    except TemporalError as error:
        some.append(_line({"error": {"code": error.code, "detail": str(error)}}))
    return "".join(some) or _DONE


def _line(shape: dict[str, Any]) -> str:
    return json.dumps(shape) + "\n"
