"""manage.py import_bars: all of a file or nothing, from CSV and Parquet, with who and why."""

import getpass
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow
import pytest
from django.core.management import CommandError, call_command
from pyarrow import parquet

from market.instruments.csv_file import DEMO_FILE
from market.management.commands import import_bars as module
from market.models import BarImport, DayBar, HourBar, MinuteBar

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "symbol,at,open,high,low,close,volume"
DAY = "KO,2019-03-04,45.12,45.6,44.9,45.3,1000.5"
MINUTE = "KO,2019-03-04T14:30:00Z,45.12,45.6,44.9,45.3,1000"


@pytest.fixture(autouse=True)
def _instruments():
    call_command("import_instruments", str(DEMO_FILE), stdout=io.StringIO())


@pytest.fixture
def run(tmp_path):
    def call(*lines, options=(), errors=None):
        path = tmp_path / "bars.csv"
        path.write_text("\n".join(lines) + "\n")
        return run_file(path, *options, errors=errors)

    return call


def run_file(path, *options, errors=None):
    output = io.StringIO()
    call_command("import_bars", str(path), *options, stdout=output, stderr=errors or io.StringIO())
    return output.getvalue().strip()


def rows(model):
    return list(
        model.objects.order_by("symbol", "at").values_list("symbol", "at", "open", "high", "low", "close", "volume")
    )


def at(*parts):
    return datetime(2019, 3, 4, *parts, tzinfo=UTC)


def test_bars_of_days_are_imported_and_recorded(run):
    assert run(HEADER, DAY, DAY.replace("KO", "AAPL").replace("1000.5", "")) == (
        "2 bars of 2 symbols imported, 0 of them replaced others"
    )
    figures = (451_200, 456_000, 449_000, 453_000)
    assert rows(DayBar) == [("AAPL", at(), *figures, None), ("KO", at(), *figures, 1_000_500_000)]
    assert set(DayBar.objects.values_list("source", "is_derived")) == {(3, False)}
    record = BarImport.objects.get()
    assert (record.actor, record.reason) == (f"command-line/{getpass.getuser()}", "import of bars.csv")
    assert (record.span, record.bars, record.replaced, record.symbols) == ("1d", 2, 0, 2)
    assert (record.first_at, record.latest_at) == (at(), at())


def test_the_columns_come_in_any_order(run):
    run("close,low,high,open,at,symbol", "45.3,44.9,45.6,45.12,2019-03-04,KO")
    assert rows(DayBar) == [("KO", at(), 451_200, 456_000, 449_000, 453_000, None)]


def test_minutes_make_hours_and_days(run):
    lines = [
        "KO,2019-03-04T14:30:00Z,10,12,9,11,5",
        "KO,2019-03-04T14:59:00Z,11,13,11,12,6",
        "KO,2019-03-04T15:00:00Z,12,12,8,9,7",
        "KO,2019-03-04T20:59:00+00:00,9,10,9,10,1",
        "KO,2019-03-04T21:30:00Z,50,50,50,50,100",
    ]
    run(HEADER, *lines, options=["--span", "1m"])
    assert len(rows(MinuteBar)) == 5
    assert rows(HourBar) == [
        ("KO", at(14), 100_000, 130_000, 90_000, 120_000, 11_000_000),
        ("KO", at(15), 120_000, 120_000, 80_000, 90_000, 7_000_000),
        ("KO", at(20), 90_000, 100_000, 90_000, 100_000, 1_000_000),
        ("KO", at(21), 500_000, 500_000, 500_000, 500_000, 100_000_000),
    ]
    # What is traded after the close is not the day's.
    assert rows(DayBar) == [("KO", at(), 100_000, 130_000, 80_000, 100_000, 19_000_000)]


def test_a_day_that_was_imported_is_not_made_anew_of_minutes(run):
    run(HEADER, DAY)
    run(HEADER, MINUTE.replace("45.3,", "44.95,"), options=["--span", "1m"])
    assert rows(DayBar)[0][5] == 453_000
    assert rows(HourBar)[0][5] == 449_500


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            DAY.replace("45.12", "45.12345"),
            "column open: a price is plain digits, a multiple of 0.0001, found '45.12345'",
        ),
        (DAY.replace("45.12", "1e3"), "column open: a price is plain digits"),
        (DAY.replace("45.12", "-1"), "column open: a price is above 0"),
        (DAY.replace("45.12", ""), "column open: a price is plain digits"),
        (DAY.replace("45.6", "44"), "column high: it is below low: high '44', low '44.9'"),
        (DAY.replace("45.3", "46"), "column close: '46' is not between low '44.9' and high '45.6'"),
        (DAY.replace("1000.5", "-1"), "column volume: a volume is from 0 to"),
        (DAY.replace("1000.5", "0.0000001"), "column volume: a volume is plain digits, a multiple of 0.000001"),
        (DAY.replace("2019-03-04", "2019-03-04T14:30:00Z"), "column at: a bar of 1d begins at a full day in UTC"),
        (DAY.replace("2019-03-04", "4.3.2019"), "column at: "),
        (DAY + ",7", "expected 7 columns as in the header, found 8"),
    ],
)
def test_a_wrong_line_is_named_with_its_column_and_value_and_nothing_is_imported(run, line, said):
    with pytest.raises(CommandError) as error:
        run(HEADER, DAY.replace("KO", "AAPL"), line)
    assert str(error.value).startswith("line 3")
    assert said in str(error.value)
    assert str(error.value).endswith("; nothing was imported")
    assert (DayBar.objects.count(), BarImport.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [HEADER, DAY.replace("KO", "NONE"), DAY.replace("KO", "x\ty")],
            "no instrument 'NONE' (2), 'x\\ty' (3), first",
        ),
        ([HEADER, DAY, DAY], "the bar of KO at 2019-03-04T00:00:00Z is there twice: in lines or rows 2 and 3"),
        ([HEADER, DAY.replace("03-04", "03-03")], "its exchange has no session on KO 2019-03-03 (2)"),
        ([HEADER], "there is no bar"),
        ([""], "line 1: the column symbol is missing, found nothing"),
        (["symbol,colour"], "line 1: there is no column 'colour'"),
        (["symbol,symbol"], "line 1: the column symbol is there twice"),
        (["symbol,at,open,high,low"], "line 1: the column close is missing"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(run, lines, said):
    with pytest.raises(CommandError) as error:
        run(*lines)
    assert said in str(error.value)
    assert (DayBar.objects.count(), BarImport.objects.count()) == (0, 0)


def test_minutes_off_their_span_are_refused(run):
    with pytest.raises(CommandError, match="a bar of 1m begins at a full minute in UTC, found '2019-03-04T14:30:01Z'"):
        run(HEADER, MINUTE.replace(":00Z", ":01Z"), options=["--span", "1m"])


def test_bars_that_there_are_already_are_replaced_only_when_that_is_asked_for(run):
    run(HEADER, DAY)
    changed = DAY.replace("45.3", "45.2")
    with pytest.raises(CommandError) as error:
        run(HEADER, changed, DAY.replace("03-04", "03-05"))
    assert "1 of the bars there are already: KO from 2019-03-04T00:00:00Z to 2019-03-04T00:00:00Z (IMPORTED)" in str(
        error.value
    )
    assert len(rows(DayBar)) == 1
    assert run(HEADER, changed, options=["--replace", "--actor", "ops/eve", "--reason", "corrected"]) == (
        "1 bars of 1 symbols imported, 1 of them replaced others"
    )
    assert rows(DayBar)[0][5] == 452_000
    record = BarImport.objects.first()
    assert (record.actor, record.reason, record.replaced) == ("ops/eve", "corrected", 1)


def test_parquet_may_have_types_of_its_own(tmp_path):
    columns = {
        "volume": pyarrow.array([1000.5, None], pyarrow.float64()),
        "symbol": ["KO", "AAPL"],
        "at": pyarrow.array([date(2019, 3, 4), date(2019, 3, 5)]),
        "open": pyarrow.array([45.12, 1.1], pyarrow.float64()),
        "high": pyarrow.array([Decimal("45.6"), Decimal("2.0")], pyarrow.decimal128(10, 4)),
        "low": pyarrow.array([44, 1], pyarrow.int64()),
        "close": ["45.3", "1.2500"],
    }
    path = tmp_path / "bars.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    assert run_file(path) == "2 bars of 2 symbols imported, 0 of them replaced others"
    assert rows(DayBar) == [
        ("AAPL", datetime(2019, 3, 5, tzinfo=UTC), 11_000, 20_000, 10_000, 12_500, None),
        ("KO", at(), 451_200, 456_000, 440_000, 453_000, 1_000_500_000),
    ]


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("open", pyarrow.array([0.1 + 0.2]), "row 1, column open: a price is plain digits"),
        ("open", pyarrow.array([float("nan")]), "row 1, column open: a price is plain digits"),
        ("at", pyarrow.array([datetime(2019, 3, 4)], pyarrow.timestamp("us")), "row 1, column at: "),
        ("at", pyarrow.array([5]), "row 1, column at: it is an instant, found 5"),
        ("symbol", pyarrow.array([5]), "row 1, column symbol"),
    ],
)
def test_a_wrong_row_of_parquet_is_named(tmp_path, column, values, said):
    given = {"symbol": ["KO"], "at": ["2019-03-04"], "open": [1], "high": [1], "low": [1], "close": [1]}
    path = tmp_path / "bars.parquet"
    parquet.write_table(pyarrow.table({**given, column: values}), path)
    with pytest.raises(CommandError) as error:
        run_file(path)
    assert str(error.value).startswith(said)
    assert DayBar.objects.count() == 0


def test_what_is_no_parquet_is_said_to_be_none(tmp_path):
    path = tmp_path / "bars.parquet"
    path.write_text("symbol")
    with pytest.raises(CommandError, match="is not Parquet"):
        run_file(path)


def test_a_long_import_says_how_far_it_is(run, monkeypatch):
    monkeypatch.setattr(module, "PROGRESS_SECONDS", 0.0)
    errors = io.StringIO()
    run(HEADER, DAY, errors=errors)
    assert errors.getvalue().splitlines() == ["read 1 ...", "indexing 0 ...", "writing 1 ..."]
