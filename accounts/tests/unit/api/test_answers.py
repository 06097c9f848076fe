"""Every code can be read: a sentence in the answer, a line in the documents."""

from pathlib import Path

import pytest

from accounts.api.answers import REFUSAL_MESSAGES
from accounts.domain import account, orders, risk
from accounts.domain.errors import Code
from accounts.domain.events import COUNTED_CODES, QUANTITY_CODES, format_refusal_figure

DOCUMENTS = Path(__file__).parents[4] / "docs"
RULES = [Path(module.__file__).read_text() for module in (account, orders, risk)]


@pytest.mark.parametrize("code", [code.value for code in Code if any(f"Code.{code.value}" in rule for rule in RULES)])
def test_every_code_that_a_rule_can_give_has_its_sentence(code):
    assert code in REFUSAL_MESSAGES or code in ("ACCOUNT_NOT_FOUND", "MARKET_UNAVAILABLE"), (
        "raised with their own words"
    )


@pytest.mark.parametrize("code", [code.value for code in Code if not code.value.startswith("INVALID_")])
def test_every_code_is_in_the_documents(code):
    pages = ("api.md", "orders.md", "corporate-actions.md")
    assert any(f"`{code}`" in (DOCUMENTS / page).read_text() for page in pages)


def test_codes_whose_figures_are_no_money_are_codes():
    for codes in (COUNTED_CODES, QUANTITY_CODES):
        assert {Code(code).value for code in codes} == codes
    assert not COUNTED_CODES & QUANTITY_CODES


@pytest.mark.parametrize(
    ("code", "figure", "shown"),
    [
        ("ORDER_COUNT_EXCEEDED", 1_000, "1000"),
        ("INSUFFICIENT_POSITION", 2_500_000, "2.5"),
        ("QUANTITY_LIMIT_EXCEEDED", 10**18 + 1, "1000000000000.000001"),
        ("INSUFFICIENT_FUNDS", 2_500_000, "250.0000"),
        ("VALUE_TOO_SMALL", 1, "0.0001"),
        ("ORDER_NOT_OPEN", None, None),
    ],
)
def test_figures_are_shown_as_what_they_are(code, figure, shown):
    assert format_refusal_figure(code, figure) == shown
