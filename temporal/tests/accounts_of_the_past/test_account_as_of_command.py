"""manage.py account_as_of: the same as over REST, for people and for programs."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from temporal.tests.accounts_of_the_past.conftest import ADA, NOBODY

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def traded(past):
    return past.at("2026-01-05T13:00:00Z").buy(10, 50)


def printed(*arguments):
    out = io.StringIO()
    call_command("account_as_of", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("moment", [("at", "2026-01-05T12:30:00Z"), ("version", "4"), ("version", "2")])
def test_json_is_what_rest_answers(traded, ada, moment):
    name, value = moment
    option = "--at" if name == "at" else "--at-version"
    answer = ada.get(f"accounts/{ADA}/as-of", **{name: value, "valued": "true"}).json()
    assert json.loads(printed(ADA, option, value, "--valued", "--json")) == answer


def test_people_see_figures_positions_and_where_prices_are_from(traded):
    text = printed(ADA, "--at", "2026-01-05T13:30:00Z", "--valued")
    for shown in ("as of 2026-01-05T13:30:00.000000Z", "version 4: TradeExecuted", "by ada/bot", "999500.0000", "KO"):
        assert shown in text
    assert "last trade" in text
    assert "last trade" not in printed(ADA, "--at", "2026-01-05T12:30:00Z", "--valued"), "there is no position yet"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((NOBODY,), "no events of an account"),
        ((ADA, "--at", "2025-01-05T13:30:00Z"), "was opened at 2026-01-05T12:00:00"),
        ((ADA, "--at", "2026-01-05T13:30:00"), "no time zone"),
        ((ADA, "--at", "9999-01-05T13:30:00Z"), "has not come yet"),
        ((ADA, "--at-version", "5"), "is at version 4, found 5"),
        ((ADA, "--at-version", "x"), "a whole number from 1"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(traded, arguments, says):
    with pytest.raises(CommandError, match=says):
        printed(*arguments)
