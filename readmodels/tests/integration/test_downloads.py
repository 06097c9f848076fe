"""Files of all trades and events: every row once, oldest first, in bounded memory, whatever comes meanwhile."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import AsyncClient
from pyarrow import parquet

from identity import credentials
from identity.models import AccountAccess
from identity.permissions import grant_ownership
from readmodels.api import downloads
from readmodels.models import AccountSummary, TradeHistory
from readmodels.queries import queries
from readmodels.tests.conftest import ADA, BOB, project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada():
    user = get_user_model().objects.create_user("ada", password="a long one")
    grant_ownership(user=user, account_id=ADA)
    return user


@pytest.fixture
def traded(history, ada):
    history.open(ADA)
    for _ in range(7):
        history.buy(ADA)
    project()
    return history


def download(user, path, meanwhile=lambda: None):
    """Return the answer and its parts; `meanwhile` is done after the first part."""

    async def ask():
        client = AsyncClient()
        await client.aforce_login(user)
        answer = await client.get(f"/api/accounts/{path}")
        if not answer.streaming:
            return answer, []
        parts = []
        async for part in answer.streaming_content:
            parts.append(part)
            if len(parts) == 1:
                await sync_to_async(meanwhile)()
        return answer, parts

    return async_to_sync(ask)()


def test_a_csv_file_has_every_trade_oldest_first_as_the_list_shows_them(traded, ada, client):
    answer, parts = download(ada, f"{ADA}/trades.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode())))
    client.force_login(ada)
    listed = client.get(f"/api/accounts/{ADA}/trades").json()["results"]
    shown = [{name: "" if value is None else str(value) for name, value in row.items()} for row in reversed(listed)]
    assert rows == shown
    assert [row["version"] for row in rows] == ["3", "4", "5", "6", "7", "8", "9"]
    assert answer["Content-Type"] == "text/csv"
    assert answer["X-Row-Count"] == "7"
    assert answer["Content-Disposition"] == f'attachment; filename="trades-{ADA}-v9.csv"'


def test_a_parquet_file_has_every_trade_with_types(traded, ada):
    answer, parts = download(ada, f"{ADA}/trades.parquet")
    table = parquet.read_table(io.BytesIO(b"".join(parts)))
    assert table.schema == downloads.TRADES.columns
    rows = table.to_pylist()
    stored = list(TradeHistory.objects.filter(account_id=ADA).order_by("version").values())
    assert [row["price"] for row in rows] == [Decimal(row["price"]) / 10_000 for row in stored]
    assert [row["executed_at"] for row in rows] == [row["executed_at"] for row in stored]
    assert isinstance(rows[0]["executed_at"], datetime)
    assert rows[0]["executed_at"].tzinfo is not None
    assert answer["X-Row-Count"] == "7"


def test_files_of_events_have_every_event_with_its_fields(traded, ada):
    answer, parts = download(ada, f"{ADA}/activity.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode())))
    assert [row["type"] for row in rows] == ["AccountOpened", "CashDeposited", *["TradeExecuted"] * 7]
    assert answer["X-Row-Count"] == "9"
    in_parquet = parquet.read_table(io.BytesIO(b"".join(download(ada, f"{ADA}/activity.parquet")[1]))).to_pylist()
    assert [json.loads(row["data"]) for row in in_parquet] == [json.loads(row["data"]) for row in rows]
    assert [row["recorded_at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") for row in in_parquet] == [
        row["recorded_at"] for row in rows
    ]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_comes_meanwhile_is_not_in_it_and_no_page_is_larger_than_allowed(traded, ada, monkeypatch, kind):
    monkeypatch.setattr(downloads, "ROWS_AT_ONCE", 3)
    pages = []
    real = queries.oldest_rows

    def noted(*arguments, **named):
        rows = real(*arguments, **named)
        pages.append(len(rows))
        return rows

    monkeypatch.setattr(queries, "oldest_rows", noted)

    def meanwhile():
        traded.buy(ADA)
        project()

    _, parts = download(ada, f"{ADA}/trades.{kind}", meanwhile)
    content = b"".join(parts)
    if kind == "csv":
        versions = [int(row["version"]) for row in csv.DictReader(io.StringIO(content.decode()))]
    else:
        file = parquet.ParquetFile(io.BytesIO(content))
        assert [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)] == [3, 3, 1]
        versions = file.read()["version"].to_pylist()
    assert versions == [3, 4, 5, 6, 7, 8, 9]
    assert pages == [3, 3, 1]
    assert AccountSummary.objects.get(account_id=ADA).version == 10


def test_an_account_that_one_may_not_see_has_no_file(traded, ada):
    traded.open(BOB)
    project()
    answer, _ = download(ada, f"{BOB}/trades.csv")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def test_a_file_without_rows_has_its_columns(history, ada):
    history.open(ADA)
    project()
    answer, parts = download(ada, f"{ADA}/trades.csv")
    assert b"".join(parts).decode() == ",".join(downloads.TRADES.columns.names) + "\r\n"
    assert answer["X-Row-Count"] == "0"
    table = parquet.read_table(io.BytesIO(b"".join(download(ada, f"{ADA}/trades.parquet")[1])))
    assert (table.num_rows, table.schema) == (0, downloads.TRADES.columns)


ENDS = {
    "the password is changed": lambda user: get_user_model().objects.filter(pk=user.pk).update(password="!"),
    "the user is locked out": lambda user: get_user_model().objects.filter(pk=user.pk).update(is_active=False),
    "the access is taken away": lambda user: AccountAccess.objects.filter(user=user).delete(),
    "they log out": lambda user: Session.objects.all().delete(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_file_that_is_being_sent_breaks_off_once_the_access_ends(traded, ada, monkeypatch, end):
    monkeypatch.setattr(downloads, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(credentials, "LOOK_SECONDS", 0.0)
    answer, parts = download(ada, f"{ADA}/trades.csv")
    assert (answer["X-Row-Count"], b"".join(parts).count(b"\n")) == ("7", 8)
    answer, parts = download(ada, f"{ADA}/trades.csv", meanwhile=lambda: end(ada))
    assert (answer["X-Row-Count"], b"".join(parts).count(b"\n")) == ("7", 1)
