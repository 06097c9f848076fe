import gzip
import re

import pytest

from market.derive import UnusableInput, main, select_rows, to_gzip
from market.prices import CLOSES_PATH, replayed_symbols

HEADER = ["Date", "AAPL", "MSFT"]
SYMBOLS = ["AAPL", "MSFT"]


def test_days_before_2015_are_left_out_and_figures_are_copied_as_written():
    rows = [HEADER, ["2014-12-31", "1.5", "2"], ["2015-01-02", "1.50", "2.125"]]
    assert select_rows(rows, symbols=SYMBOLS) == [HEADER, ["2015-01-02", "1.50", "2.125"]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["Date", "AAPL"]], "line 1: expected the columns"),
        ([], "line 1"),
        ([HEADER, ["2015-01-02", "1"]], "line 2: expected 3 columns, found 2"),
        ([HEADER, ["02/01/2015", "1", "2"]], "line 2: expected a date"),
        ([HEADER, ["2015-01-05", "1", "2"], ["2015-01-02", "1", "2"]], "line 3: expected a day after"),
        ([HEADER, ["2015-01-02", "1", ""]], "line 2: expected a positive price"),
        ([HEADER, ["2015-01-02", "1", "nan"]], "line 2: expected a positive price"),
        ([HEADER, ["2015-01-02", "1", "0.000"]], "line 2: expected a positive price"),
        ([HEADER, ["2015-01-02", "1", "1.2345"]], "line 2: expected a positive price"),
        ([HEADER, ["2014-01-02", "1", "2"]], "no day from 2015-01-01"),
    ],
)
def test_an_input_that_is_not_the_data_set_is_refused(rows, message):
    with pytest.raises(UnusableInput, match=re.escape(message)):
        select_rows(rows, symbols=SYMBOLS)


def test_the_vendored_file_derives_itself(tmp_path):
    output = tmp_path / "closes.csv.gz"
    assert main([str(CLOSES_PATH), "--output", str(output)]) == 0
    assert gzip.decompress(output.read_bytes()) == gzip.decompress(CLOSES_PATH.read_bytes())


def test_the_vendored_file_is_small():
    assert CLOSES_PATH.stat().st_size < 150_000


def test_the_same_rows_give_the_same_bytes():
    rows = [["Date", *replayed_symbols()], ["2015-01-02", *["1.5"] * 20]]
    assert to_gzip(rows) == to_gzip(rows)


def test_an_unusable_input_leaves_the_output_alone(tmp_path, capsys):
    source, output = tmp_path / "in.csv", tmp_path / "out.csv.gz"
    source.write_text("Date,TSLA\n")
    assert main([str(source), "--output", str(output)]) == 1
    assert not output.exists()
    assert "expected the columns" in capsys.readouterr().err
