"""Corporate actions are checked by name, recorded with who and why, and never changed; files are taken whole or not."""

from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from market.bars.replayed import minute_bars
from market.corporate_actions.adjustments import NO_ADJUSTMENTS, Adjustment, Adjustments
from market.corporate_actions.announcing import (
    InvalidAnnouncement,
    NotWithdrawable,
    UnknownCorporateAction,
    announce,
    withdraw,
)
from market.corporate_actions.csv_file import read_lines
from market.corporate_actions.definition import InvalidCorporateAction, format_terms, parse_terms
from market.instruments.changes import recorded_as, save_instruments
from market.instruments.csv_file import UnusableFile
from market.models import CorporateAction, CorporateActionChange
from market.money import PRICE_MAX
from market.prices import replayed_symbols
from market.quotes import quotes_at
from market.replay import Phase, ReplayPosition
from market.tests.test_instruments import NEW

SPLIT = {"kind": "SPLIT", "symbol": "KO", "effective_date": "2019-03-05", "numerator": "2", "denominator": "1"}
DIVIDEND = {"kind": "DIVIDEND", "symbol": "KO", "effective_date": "2019-03-05", "amount_per_share": "0.24"}
RENAMED = {"kind": "SYMBOL_CHANGE", "symbol": "KO", "effective_date": "2019-03-05", "new_symbol": "COKE"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (SPLIT, "2 for 1"),
        ({**SPLIT, "lot_size": "0.001", "fraction_price": "12.5"}, "2 for 1"),
        ({**DIVIDEND, "amount_per_share": "0.00000001"}, "0.00000001 per share"),
        ({**RENAMED, "new_name": "Coke", "numerator": ""}, "KO becomes COKE"),
    ],
)
def test_the_terms_of_each_kind_are_read(given, shown):
    terms = parse_terms(given)
    assert (terms.symbol, terms.effective_date, format_terms(terms)) == ("KO", date(2019, 3, 5), shown)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({**SPLIT, "kind": "SPIT"}, "kind", "a kind is one of SPLIT, DIVIDEND, SYMBOL_CHANGE; found 'SPIT'"),
        ({**SPLIT, "symbol": "ko"}, "symbol", "a symbol is 1 to 12 capital letters"),
        ({**SPLIT, "effective_date": "5.3.2019"}, "effective_date", "a date is YYYY-MM-DD"),
        ({**SPLIT, "numerator": "1"}, "numerator", "1 for 1 changes nothing"),
        ({**SPLIT, "numerator": "0"}, "numerator", "numerator is a whole number from 1 to 1,000,000, found '0'"),
        ({**SPLIT, "denominator": "1.5"}, "denominator", "denominator is a whole number"),
        ({**SPLIT, "denominator": ""}, "denominator", "a SPLIT needs denominator, which is not given"),
        ({**SPLIT, "amount_per_share": "1"}, "amount_per_share", "amount_per_share is none of the terms of a SPLIT"),
        ({**SPLIT, "fraction_price": "0"}, "fraction_price", "fraction_price is plain digits with at most 4 decimals"),
        ({**DIVIDEND, "amount_per_share": "-1"}, "amount_per_share", "above 0 and at most 10,000,000"),
        ({**DIVIDEND, "amount_per_share": "0.000000001"}, "amount_per_share", "at most 8 decimals"),
        ({**RENAMED, "new_symbol": "KO"}, "new_symbol", "it is KO already"),
    ],
)
def test_what_no_action_can_be_is_said_at_its_field(given, field, said):
    with pytest.raises(InvalidCorporateAction) as raised:
        parse_terms(given)
    assert raised.value.field == field
    assert said in str(raised.value)


def lines(*rows):
    return ["kind,symbol,effective_date,numerator,denominator,amount_per_share", *rows]


def test_a_file_has_actions_of_every_kind():
    found = read_lines(lines("SPLIT,KO,2019-03-05,2,1,", "", "DIVIDEND,PG,2019-03-06,,,0.7"))
    assert {line: format_terms(terms) for line, terms in found.items()} == {2: "2 for 1", 4: "0.7 per share"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lines("SPLIT,KO,2019-03-05,2,1"), "line 2: expected 6 columns as in the header, found 5"),
        (lines("DIVIDEND,PG,2019-03-06,,,0.7", "SPLIT,KO,2019-03-05,1,1,"), "line 3, column numerator: 1 for 1"),
        (["kind,symbol,day"], "line 1: there is no column 'day'"),
        (["kind,symbol"], "line 1: there is no column effective_date"),
        (["kind,symbol,effective_date"], "there is no action"),
    ],
)
def test_a_wrong_line_is_named(rows, said):
    with pytest.raises(UnusableFile) as raised:
        read_lines(rows)
    assert said in str(raised.value)


@pytest.fixture
def instruments(transactional_db):
    rows = [{**NEW, "symbol": symbol, "name": symbol, "exchange": "NYSE"} for symbol in ("KO", "PG")]
    save_instruments(rows, actor="test", reason="first")


def announced(*given, session_date=date(2019, 3, 4)):
    actions = [parse_terms(each) for each in given]
    return announce(actions, session_date=session_date, actor="olga", reason="the company said so")


@pytest.mark.usefixtures("instruments")
def test_an_action_is_announced_and_withdrawn_with_who_and_why():
    (action,) = announced(SPLIT)
    assert withdraw(action.pk, actor="otto", reason="it is off").state == "WITHDRAWN"
    log = CorporateActionChange.objects.order_by("id").values_list("actor", "reason", "after__state")
    assert list(log) == [("olga", "the company said so", "ANNOUNCED"), ("otto", "it is off", "WITHDRAWN")]
    with pytest.raises(NotWithdrawable, match="is WITHDRAWN: only an announced one is withdrawn"):
        withdraw(action.pk, actor="otto", reason="again")
    with pytest.raises(UnknownCorporateAction):
        withdraw(action.pk + 1, actor="otto", reason="another")
    announced(SPLIT)


@pytest.mark.usefixtures("instruments")
@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({**SPLIT, "symbol": "NONE"}, "symbol", "there is no instrument NONE"),
        ({**SPLIT, "effective_date": "2019-03-04"}, "effective_date", "the market is at 2019-03-04"),
        ({**SPLIT, "effective_date": "2018-03-05"}, "effective_date", "choose a later day"),
        ({**SPLIT, "effective_date": "2019-03-09"}, "effective_date", "NYSE has no session on 2019-03-09"),
        ({**DIVIDEND, "amount_per_share": "0.5"}, "symbol", "a DIVIDEND of KO on 2019-03-05 is announced already"),
        (SPLIT, "effective_date", "another split or change of symbol of KO is announced for that day"),
    ],
)
def test_what_cannot_be_announced_is_said_and_nothing_of_it_is_written(given, field, said):
    announced(DIVIDEND, RENAMED)
    with pytest.raises(InvalidAnnouncement) as raised:
        announced({**SPLIT, "symbol": "PG"}, given)
    assert (raised.value.place, raised.value.field) == (1, field)
    assert said in str(raised.value)
    assert CorporateAction.objects.count() == 2


@pytest.mark.usefixtures("instruments")
def test_a_successor_has_the_currency_and_is_traded():
    save_instruments([{"symbol": "PG", "currency": "EUR"}], actor="test", reason="a test")
    with pytest.raises(InvalidAnnouncement, match="PG is traded in EUR and KO in USD"):
        announced({**RENAMED, "new_symbol": "PG"})
    save_instruments([{"symbol": "PG", "currency": "USD", "is_tradable": False}], actor="test", reason="a test")
    with pytest.raises(InvalidAnnouncement, match="PG is not traded any more"):
        announced({**RENAMED, "new_symbol": "PG"})
    with pytest.raises(InvalidAnnouncement, match="PG is not traded any more: nothing can happen to it"):
        announced({**SPLIT, "symbol": "PG"})


@pytest.mark.usefixtures("instruments")
def test_the_database_itself_keeps_terms_states_and_the_log():
    (action,) = announced(SPLIT)
    rows = CorporateAction.objects.filter(pk=action.pk)
    with pytest.raises(DatabaseError, match="which says who does it and why"):
        rows.update(state="WITHDRAWN")
    for change, said in (
        ({"numerator": 3}, "stay what they are"),
        ({"state": "APPLIED"}, "is ANNOUNCED, and cannot become APPLIED"),
    ):
        with pytest.raises(DatabaseError, match=said), recorded_as(actor="olga", reason="a try"):
            rows.update(**change)
    with pytest.raises(DatabaseError, match="is not deleted"), recorded_as(actor="olga", reason="a try"):
        rows.delete()
    with pytest.raises(DatabaseError, match="only ever added to"):
        CorporateActionChange.objects.all().delete()
    assert CorporateActionChange.objects.count() == 1


@pytest.mark.usefixtures("instruments")
def test_a_file_is_announced_whole_or_not(tmp_path, capsys):
    file = tmp_path / "actions.csv"
    file.write_text("\n".join(lines("SPLIT,KO,2019-03-05,2,1,", "SPLIT,NONE,2019-03-05,2,1,")))
    with pytest.raises(CommandError, match="line 3, column symbol: there is no instrument NONE"):
        call_command("import_corporate_actions", str(file))
    assert not CorporateAction.objects.exists()
    file.write_text("\n".join(lines("SPLIT,KO,2019-03-05,2,1,", "DIVIDEND,PG,2019-03-05,,,1")))
    call_command("import_corporate_actions", str(file), "--reason", "the news")
    assert capsys.readouterr().out.strip() == "2 announced"
    assert set(CorporateActionChange.objects.values_list("reason", flat=True)) == {"the news"}


POSITION = ReplayPosition(day_index=1_000, phase=Phase.OPEN, step=100)


def prices(adjustments, now_us):
    return {quote.symbol: quote for quote in quotes_at(POSITION, now_us=now_us, adjustments=adjustments).quotes}


def test_a_split_divides_every_price_from_its_instant_on():
    split = Adjustments((Adjustment(100, "KO", 2, 1, None), Adjustment(200, "KO", 1, 10, None)))
    whole = prices(NO_ADJUSTMENTS, 0)["KO"]
    assert prices(split, 99)["KO"].price == whole.price
    halved, tenfold = prices(split, 100)["KO"], prices(split, 200)["KO"]
    for name in ("price", "previous_close", "session_open", "day_high", "day_low"):
        assert abs(2 * getattr(halved, name) - getattr(whole, name)) <= 100
        assert getattr(tenfold, name) == 5 * getattr(whole, name)
    assert prices(split, 200)["PG"].price == prices(NO_ADJUSTMENTS, 200)["PG"].price


def test_a_new_symbol_goes_on_by_the_path_of_the_old_one():
    whole = prices(NO_ADJUSTMENTS, 0)
    renamed = Adjustments((Adjustment(1, "KO", 2, 1, None), Adjustment(2, "KO", 1, 1, "COKE")))
    found = prices(renamed, 2)
    assert found.keys() == {*replayed_symbols(), "COKE"} - {"KO"}
    assert abs(2 * found["COKE"].price - whole["KO"].price) <= 100
    merged = prices(Adjustments((Adjustment(1, "KO", 1, 1, "PG"),)), 2)
    assert "KO" not in merged
    assert merged["PG"].price == whole["PG"].price, "one that was quoted before keeps its own prices"


def test_a_price_never_becomes_zero():
    assert prices(Adjustments((Adjustment(1, "KO", 1_000_000, 1, None),)), 1)["KO"].price == 100


def test_a_price_above_what_an_order_can_have_is_not_quoted():
    whole = prices(NO_ADJUSTMENTS, 0)
    reverse = Adjustments((Adjustment(1, "KO", 1, 1_000_000, None),))
    assert prices(reverse, 1).keys() == whole.keys() - {"KO"}
    assert whole["KO"].price * 1_000_000 > PRICE_MAX
    bars = minute_bars(1_000, from_minute=0, to_step=100, adjustments=reverse, at_us=1)
    assert {bar.symbol for bar in bars} == whole.keys() - {"KO"}
