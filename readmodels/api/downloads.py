"""REST: all trades, or all events, of an account as one file, CSV or Parquet, made while it is sent.

Oldest first, up to the account's version when the answer began, so that what comes meanwhile changes nothing; memory
holds `ROWS_AT_ONCE` rows however long the history is. The header `X-Row-Count` says how many rows there are: an answer
that breaks off is not whole.
"""

import csv
import io
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Final, NamedTuple

import pyarrow
from django.db import models
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pyarrow import parquet
from rest_framework.renderers import JSONRenderer

from edge.request_thread import give_back_connections, on_another_thread
from edge.rest import Declared
from identity.credentials import credential_of, while_granted
from identity.permissions import Access
from readmodels import shapes
from readmodels.api import parameters
from readmodels.api.base import PROBLEMS, AccountScopedView, find, not_found
from readmodels.models import Activity, TradeHistory
from readmodels.projections.rows import Row
from readmodels.queries import account_queries, queries

ROWS_AT_ONCE: Final = 10_000
"""Rows that are read and sent together; in Parquet, a row group."""

_MONEY: Final = pyarrow.decimal128(24, 4)
_SHARES: Final = pyarrow.decimal128(25, 6)
_INSTANT: Final = pyarrow.timestamp("us", tz="UTC")


class Table(NamedTuple):
    """What can be downloaded: its rows, their shape in CSV, and their types in Parquet, column by column."""

    name: str
    model: type[models.Model]
    shape: Callable[[Row], dict[str, Any]]
    columns: pyarrow.Schema
    counted_by: str
    """The column of account_summary that says how many rows there are."""


TRADES: Final = Table(
    "trades",
    TradeHistory,
    shapes.Trade.show,
    pyarrow.schema(
        {
            "trade_id": pyarrow.string(),
            "version": pyarrow.int64(),
            "symbol": pyarrow.string(),
            "side": pyarrow.string(),
            "quantity": _SHARES,
            "price": _MONEY,
            "value": _MONEY,
            "fee": _MONEY,
            "realized_pnl": _MONEY,
            "cash_after": _MONEY,
            "order_id": pyarrow.string(),
            "command_id": pyarrow.string(),
            "executed_at": _INSTANT,
        }
    ),
    "trade_count",
)
EVENTS: Final = Table(
    "activity",
    Activity,
    shapes.Event.show,
    pyarrow.schema(
        {
            "event_id": pyarrow.string(),
            "version": pyarrow.int64(),
            "type": pyarrow.string(),
            "recorded_at": _INSTANT,
            "actor": pyarrow.string(),
            "command_id": pyarrow.string(),
            "correlation_id": pyarrow.string(),
            "causation_id": pyarrow.string(),
            "data": pyarrow.string(),
        }
    ),
    "version",
)

Encode = Callable[[Table, Iterator[list[Row]]], Iterator[bytes]]


class FileType(NamedTuple):
    """How rows become a file."""

    ending: str
    content_type: str
    encode: Encode


def csv_lines(table: Table, pages: Iterator[list[Row]]) -> Iterator[bytes]:
    """Yield a CSV file (RFC 4180): names, then a line for each row; money as in the other answers, JSON in `data`."""
    yield _csv([table.columns.names])
    for rows in pages:
        shapes = (table.shape(row) for row in rows)
        yield _csv([[_text(value) for value in shape.values()] for shape in shapes])


def parquet_groups(table: Table, pages: Iterator[list[Row]]) -> Iterator[bytes]:
    """Yield a Parquet file, a row group for each page: money and quantities as decimals, instants as UTC timestamps."""
    written = _Written()
    with parquet.ParquetWriter(written, table.columns, compression="zstd") as writer:
        for rows in pages:
            shapes = [table.shape(row) for row in rows]
            columns = [
                pyarrow.array([_typed(shape[field.name], field.type) for shape in shapes], type=field.type)
                for field in table.columns
            ]
            writer.write_table(pyarrow.table(columns, schema=table.columns))
            yield written.take()
    yield written.take()


CSV: Final = FileType("csv", "text/csv", csv_lines)
PARQUET: Final = FileType("parquet", "application/vnd.apache.parquet", parquet_groups)


class DownloadView(AccountScopedView):
    """All rows of an account in a table, as a file."""

    takes: ClassVar[Declared] = (parameters.VersionParameter,)
    renderer_classes = [JSONRenderer]
    table: Table = TRADES
    file_type: FileType = CSV

    def is_accepted(self, request: HttpRequest) -> bool:
        """The path names the type of the file."""
        return True

    @extend_schema(
        responses={
            (200, CSV.content_type.partition(";")[0]): OpenApiTypes.STR,
            (200, PARQUET.content_type): OpenApiTypes.BINARY,
            **PROBLEMS,
        },
    )
    async def get(
        self, request: HttpRequest, *, access: Access, asked: dict[str, Any], **place: Any
    ) -> HttpResponseBase:
        """Return the file, oldest row first, as it is at the account's version now."""
        account_id: uuid.UUID = place["account_id"]
        found, _ = await find(request, account_queries.ACCOUNT, account_id=account_id, access=access, asked=asked)
        if not found.rows:
            raise not_found(account_id)
        (account,) = found.rows
        pages = while_granted(
            pages_of(self.table, str(account_id), to_version=account["version"]),
            credential_of(request, user=access.principal.user, account_id=account_id),
        )
        answer = StreamingHttpResponse(
            _streamed(self.file_type.encode(self.table, pages)), content_type=self.file_type.content_type
        )
        name = f"{self.table.name}-{account_id}-v{account['version']}.{self.file_type.ending}"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["X-Row-Count"] = str(account[self.table.counted_by])
        return answer


def pages_of(table: Table, account_id: str, *, to_version: int) -> Iterator[list[Row]]:
    """Yield an account's rows up to a version, oldest first, at most `ROWS_AT_ONCE` at a time."""
    after_version = 0
    while after_version < to_version:
        rows = queries.oldest_rows(
            table.model,
            account_id=account_id,
            after_version=after_version,
            to_version=to_version,
            limit=ROWS_AT_ONCE,
        )
        if rows:
            yield rows
        if len(rows) < ROWS_AT_ONCE:
            return
        after_version = rows[-1]["version"]


async def _streamed(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield parts that are made on a thread, so that the process goes on serving others. Whoever reads slowly holds no
    connection: neither the request's, nor one from part to part.
    """
    await give_back_connections()
    while (part := await on_another_thread(partial(next, parts, None))) is not None:
        yield part


class _Written(io.RawIOBase):
    """What a writer wrote and nobody took yet."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._size

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _csv(rows: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _text(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def _typed(value: Any, column: pyarrow.DataType) -> Any:
    if value is None:
        return None
    if column in (_MONEY, _SHARES):
        return Decimal(value)
    if column == _INSTANT:
        return datetime.fromisoformat(value)
    return _text(value)
