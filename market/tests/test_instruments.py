"""Instruments: what is checked, how they change, and that every change is recorded."""

import itertools

import pytest
from django.db import IntegrityError, connection, transaction

from market.instruments.changes import (
    InvalidReason,
    MissingField,
    Saved,
    UnknownInstrument,
    save_instruments,
    set_halted,
    stored_definitions,
)
from market.instruments.csv_file import DEMO_FILE, UnusableFile, definitions_of, read_file, read_lines
from market.instruments.definition import InvalidInstrument, format_increment, format_lot, parse_field
from market.models import Instrument, InstrumentChange
from market.prices import replayed_symbols

HEADER = "symbol,name,kind,sector,exchange,currency,price_increment,lot_size"
LINE = "BRK.B,Berkshire,STOCK,Financials,NYSE,USD,0.01,1"
NEW = next(iter(read_lines([HEADER, LINE]).values()))

database = pytest.mark.django_db(transaction=True)


def save(*changes, **options):
    return save_instruments(changes, **{"actor": "user:1/ada", "reason": "new", **options})


class TestFields:
    @pytest.mark.parametrize(
        ("field", "text", "value"),
        [
            ("symbol", "BTC-USD", "BTC-USD"),
            ("symbol", "ABCDEFGHIJKL", "ABCDEFGHIJKL"),
            ("name", " Zürich  AG ", "Zürich  AG"),
            ("sector", "", ""),
            ("currency", "EUR", "EUR"),
            ("price_increment", "0.0001", 1),
            ("price_increment", "0.01", 100),
            ("price_increment", "5", 50_000),
            ("price_increment", "1000000", 10_000_000_000),
            ("lot_size", "0.000001", 1),
            ("lot_size", "1", 1_000_000),
            ("lot_size", "1000000.000000", 1_000_000_000_000),
            ("is_tradable", "false", False),
        ],
    )
    def test_what_is_right_is_taken(self, field, text, value):
        assert parse_field(field, text) == value

    @pytest.mark.parametrize(
        ("field", "text"),
        [
            *itertools.product(["symbol"], ["", "ko", "KO ", "ABCDEFGHIJKLM", "К", "K_O", "K\nO", "KO\n"]),
            *itertools.product(["name", "exchange"], ["", "  ", "a\nb", "x" * 81]),
            ("sector", "x" * 41),
            *itertools.product(["kind"], ["", "stock", "OPTION"]),
            *itertools.product(["currency"], ["", "usd", "US", "USDX", "US1"]),
            *itertools.product(
                ["price_increment", "lot_size"],
                ["", "0", "-1", "1e3", "1.", ".5", "1,5", "0.0000001", "1000000.1", "10000000", "NaN", "١", "+1", " 1"],
            ),
            ("price_increment", "0.00001"),
            *itertools.product(["is_tradable", "is_halted"], ["", "True", "1", "yes"]),
        ],
    )
    def test_what_is_wrong_is_refused_with_what_was_found(self, field, text):
        with pytest.raises(InvalidInstrument, match="found") as error:
            parse_field(field, text)
        assert error.value.field == field
        assert len(str(error.value)) < 200

    def test_steps_are_shown_as_decimals(self):
        assert [format_increment(value) for value in (1, 100, 50_000)] == ["0.0001", "0.0100", "5.0000"]
        assert [format_lot(value) for value in (1, 1_000_000, 2_500_000, 10_000_000)] == ["0.000001", "1", "2.5", "10"]


class TestFiles:
    def test_the_demos_file_has_twenty_instruments_all_of_which_are_replayed(self):
        definitions = definitions_of(read_file(DEMO_FILE))
        assert tuple(sorted(definitions)) == replayed_symbols()
        assert {(each.price_increment, each.lot_size) for each in definitions.values()} == {(1, 1)}

    def test_columns_come_in_any_order_and_empty_lines_count_for_nothing(self):
        changes = read_lines(["name,symbol\n", "\n", '"Berkshire, B",BRK.B\n'])
        assert changes == {3: {"name": "Berkshire, B", "symbol": "BRK.B"}}

    @pytest.mark.parametrize(
        ("lines", "said"),
        [
            ([], "line 1: the header has no column symbol, found nothing"),
            ([HEADER], "there is no instrument"),
            (["symbol,colour", "KO,red"], "line 1: there is no column 'colour'"),
            (["symbol,name,name", "KO,a,b"], "line 1: the column name is there twice"),
            (["name", "a"], "line 1: the header has no column symbol, found name"),
            ([HEADER, LINE, LINE.replace("BRK.B", "brk")], "line 3, column symbol: a symbol is"),
            ([HEADER, LINE, "KO,a,STOCK"], "line 3: expected 8 columns as in the header, found 3"),
            ([HEADER, LINE.replace(",1", ",0")], "line 2, column lot_size: a lot size is"),
            ([HEADER, LINE.replace("0.01", "0,01")], "line 2: expected 8 columns as in the header, found 9"),
            ([HEADER, LINE, LINE], "line 3, column symbol: BRK.B is in line 2 already"),
            ([HEADER, LINE.replace("Berkshire", '"Berk"shire')], "line 2: it is not CSV"),
        ],
    )
    def test_what_is_wrong_is_named_with_line_and_column(self, lines, said):
        with pytest.raises(UnusableFile) as error:
            read_lines(lines)
        assert str(error.value).startswith(said)

    def test_a_file_that_is_not_there_or_not_utf_8_is_named(self, tmp_path):
        with pytest.raises(UnusableFile, match="cannot be read: No such file"):
            read_file(tmp_path / "absent.csv")
        (tmp_path / "latin.csv").write_bytes(b"symbol,name\nKO,Z\xfcrich\n")
        with pytest.raises(UnusableFile, match="is not UTF-8"):
            read_file(tmp_path / "latin.csv")
        (tmp_path / "excel.csv").write_bytes(b"\xef\xbb\xbfsymbol,name\r\nKO,Coca\r\n")
        assert read_file(tmp_path / "excel.csv") == {2: {"symbol": "KO", "name": "Coca"}}


@database
class TestChanges:
    def test_a_new_instrument_is_recorded_with_who_and_why(self):
        assert save(NEW) == Saved(new=1, changed=0, unchanged=0)
        row, change = Instrument.objects.values().get(), InstrumentChange.objects.get()
        assert (row["lot_size"], row["is_tradable"], row["is_halted"]) == (1_000_000, True, False)
        assert (change.symbol, change.actor, change.reason, change.before) == ("BRK.B", "user:1/ada", "new", None)
        assert change.after == row

    def test_a_change_names_its_fields_and_the_others_stay(self):
        save(NEW)
        assert save({"symbol": "BRK.B", "lot_size": 1}, actor="user:2/bob", reason="parts") == Saved(0, 1, 0)
        change = InstrumentChange.objects.first()
        assert (change.actor, change.reason) == ("user:2/bob", "parts")
        assert {name for name in change.after if change.after[name] != change.before[name]} == {"lot_size"}
        assert stored_definitions(["BRK.B"])["BRK.B"].price_increment == 100

    def test_what_changes_nothing_is_not_recorded(self):
        save(NEW)
        assert save(NEW) == Saved(0, 0, 1)
        assert save({**NEW, "name": "Other"}, only_new=True) == Saved(0, 0, 1)
        assert InstrumentChange.objects.count() == 1

    def test_of_several_changes_all_count_or_none(self):
        with pytest.raises(MissingField, match="KO is new, and a new instrument needs its name"):
            save(NEW, {"symbol": "KO", "lot_size": 1})
        assert (Instrument.objects.count(), InstrumentChange.objects.count()) == (0, 0)

    def test_a_dry_run_counts_and_changes_nothing(self):
        assert save(NEW, is_dry_run=True) == Saved(1, 0, 0)
        assert (Instrument.objects.count(), InstrumentChange.objects.count()) == (0, 0)

    @pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 141])
    def test_no_change_without_a_reason(self, reason):
        with pytest.raises(InvalidReason, match="a reason is 1 to 140"):
            save(NEW, reason=reason)
        assert Instrument.objects.count() == 0

    def test_instruments_are_halted_and_resumed(self):
        save(NEW)
        halt = {"actor": "user:1/ada", "reason": "news"}
        assert set_halted(["BRK.B"], is_halted=True, **halt) == Saved(0, 1, 0)
        assert set_halted(["BRK.B"], is_halted=True, **halt) == Saved(0, 0, 1)
        assert stored_definitions(["BRK.B"])["BRK.B"].is_halted
        assert save(NEW) == Saved(0, 0, 1), "an import says nothing of it, and resumes nothing"
        assert set_halted(["BRK.B"], is_halted=False, **halt) == Saved(0, 1, 0)
        with pytest.raises(UnknownInstrument, match="there is no instrument NOPE"):
            set_halted(["BRK.B", "NOPE"], is_halted=True, **halt)
        assert not stored_definitions(["BRK.B"])["BRK.B"].is_halted

    def test_ten_thousand_are_saved_and_changed_by_few_statements(self, django_assert_max_num_queries):
        many = [{**NEW, "symbol": f"S{number}"} for number in range(10_000)]
        with django_assert_max_num_queries(20):
            assert save(*many) == Saved(10_000, 0, 0)
        assert save(*({**each, "lot_size": 1} for each in many[:5_000]), *many[5_000:]) == Saved(0, 5_000, 5_000)
        assert InstrumentChange.objects.count() == 15_000


@database
class TestTheLog:
    """What the database itself holds, whatever a program does."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda: Instrument.objects.filter(symbol="BRK.B").update(is_halted=True),
            lambda: Instrument(**{**Instrument.objects.values().get(), "name": "Other"}).save(),
            lambda: Instrument.objects.create(**{**Instrument.objects.values().get(), "symbol": "KO"}),
            lambda: Instrument.objects.get().delete(),
            lambda: Instrument.objects.all().delete(),
            lambda: connection.cursor().execute("UPDATE market_instrument SET symbol = 'BRK'"),
            lambda: InstrumentChange.objects.all().delete(),
            lambda: InstrumentChange.objects.update(actor="nobody"),
        ],
    )
    def test_every_other_way_is_refused(self, change):
        save(NEW)
        before = [*Instrument.objects.values(), *InstrumentChange.objects.values()]
        with pytest.raises(IntegrityError, match=r"changes\.py only|is not deleted|is only ever added to"):
            change()
        assert [*Instrument.objects.values(), *InstrumentChange.objects.values()] == before

    def test_a_reason_counts_for_its_change_alone(self):
        with transaction.atomic():
            save(NEW)
            with pytest.raises(IntegrityError, match=r"changes\.py only"):
                Instrument.objects.update(is_halted=True)
            transaction.set_rollback(True)
        assert Instrument.objects.count() == 0

    @pytest.mark.parametrize(
        ("field", "value"),
        [("symbol", "ko"), ("currency", "usd"), ("kind", "OTHER"), ("lot_size", 0), ("price_increment", -1)],
    )
    def test_the_database_holds_what_an_instrument_is(self, field, value):
        with pytest.raises(IntegrityError, match=f"instrument_{field}"):
            save({**NEW, field: value})
