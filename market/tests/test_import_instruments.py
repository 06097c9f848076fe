"""manage.py import_instruments: all of a file or nothing, with who and why."""

import csv
import getpass
import io

import pytest
from django.core.management import CommandError, call_command

from market.instruments.changes import recorded_as
from market.instruments.csv_file import DEMO_FILE
from market.instruments.definition import FIELDS
from market.management.commands import import_instruments as module
from market.models import CorporateAction, Instrument, InstrumentChange
from market.tests.test_instruments import HEADER, LINE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(tmp_path):
    def call(*lines, options=(), errors=None):
        path = tmp_path / "list.csv"
        path.write_text("\n".join(lines) + "\n")
        output = io.StringIO()
        call_command("import_instruments", str(path), *options, stdout=output, stderr=errors or io.StringIO())
        return output.getvalue().strip()

    return call


def test_what_is_new_changed_and_unchanged_is_counted_and_recorded(run):
    second = LINE.replace("BRK.B", "KO")
    assert run(HEADER, LINE, second) == "2 are new, 0 changed, 0 unchanged"
    assert run(HEADER, LINE, second.replace(",1", ",0.5")) == "0 are new, 1 changed, 1 unchanged"
    change = InstrumentChange.objects.first()
    assert (change.symbol, change.actor, change.reason) == (
        "KO",
        f"command-line/{getpass.getuser()}",
        "import of list.csv",
    )
    assert run(HEADER, LINE, options=["--actor", "ops/eve", "--reason", "again"]) == "0 are new, 0 changed, 1 unchanged"
    run("symbol,is_tradable", "KO,false", options=["--actor", "ops/eve", "--reason", "delisted"])
    change = InstrumentChange.objects.first()
    assert (change.actor, change.reason, change.after["is_tradable"]) == ("ops/eve", "delisted", False)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HEADER, LINE, LINE.replace("BRK.B", "ko")], "line 3, column symbol: a symbol is"),
        ([HEADER, LINE, LINE.replace("BRK.B,", "KO,").replace("0.01", "0")], "line 3, column price_increment:"),
        (["symbol,lot_size", "BRK.B,1"], "line 2, column name: BRK.B is new, and a new instrument needs its name"),
        (["colour", "red"], "line 1: there is no column 'colour'"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(run, lines, said):
    with pytest.raises(CommandError) as error:
        run(*lines)
    assert str(error.value).startswith(said)
    assert str(error.value).endswith("; nothing was imported")
    assert (Instrument.objects.count(), InstrumentChange.objects.count()) == (0, 0)


def test_a_dry_run_says_what_would_be_and_imports_nothing(run):
    assert run(HEADER, LINE, options=["--dry-run"]) == "1 would be new, 0 changed, 0 unchanged"
    assert Instrument.objects.count() == 0
    with pytest.raises(CommandError, match="line 2, column lot_size"):
        run(HEADER, LINE.replace(",1", ",x"), options=["--dry-run"])


def test_the_halt_of_a_running_corporate_action_is_not_ended_by_a_file(run):
    run(HEADER, LINE)
    with recorded_as(actor="test", reason="a test"):
        CorporateAction.objects.create(
            kind="DIVIDEND", symbol="BRK.B", effective_date="2019-03-04", amount_per_share=100, state="APPLYING"
        )
    with pytest.raises(CommandError, match=r"^BRK\.B is halted while corporate action \d+ is applied.*nothing was imp"):
        run("symbol,is_halted", "BRK.B,false")
    assert InstrumentChange.objects.count() == 1


def test_an_actor_or_a_reason_that_is_none_is_refused(run):
    with pytest.raises(CommandError, match="an actor is 1 to 300 printable characters"):
        run(HEADER, LINE, options=["--actor", "a\nb"])
    with pytest.raises(CommandError, match="a reason is 1 to 140"):
        run(HEADER, LINE, options=["--reason", "x" * 141])
    assert Instrument.objects.count() == 0


def test_a_long_import_says_how_far_it_is(run, monkeypatch):
    monkeypatch.setattr(module, "PROGRESS_SECONDS", 0.0)
    errors = io.StringIO()
    run(HEADER, *(LINE.replace("BRK.B", f"S{number}") for number in range(3)), errors=errors)
    assert errors.getvalue().splitlines() == ["line 2 ...", "line 3 ...", "line 4 ...", "3 saved ..."]


def test_what_the_platform_shows_can_be_imported_again(run):
    call_command("import_instruments", str(DEMO_FILE), stdout=io.StringIO())
    rows = [dict(zip(FIELDS, values, strict=True)) for values in Instrument.objects.values_list(*FIELDS)]
    assert len(rows) == 20
    with DEMO_FILE.open(newline="") as file:
        assert [row["symbol"] for row in csv.DictReader(file)] == [row["symbol"] for row in rows]
    assert run(*DEMO_FILE.read_text().splitlines()) == "0 are new, 0 changed, 20 unchanged"
