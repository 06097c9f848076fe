"""Every code can be read: a sentence in the answer, a line in the documents."""

from pathlib import Path

import pytest

from accounts.api.refusals import REFUSAL_MESSAGES
from accounts.domain import account, orders, risk
from accounts.domain.errors import Code
from accounts.domain.events import COUNTED_CODES

DOCUMENTS = Path(__file__).parents[3] / "docs"
RULES = [Path(module.__file__).read_text() for module in (account, orders, risk)]


@pytest.mark.parametrize("code", [code.value for code in Code if any(f"Code.{code.value}" in rule for rule in RULES)])
def test_every_code_that_a_rule_can_give_has_its_sentence(code):
    assert code in REFUSAL_MESSAGES or code in ("ACCOUNT_NOT_FOUND", "MARKET_UNAVAILABLE"), (
        "raised with their own words"
    )


@pytest.mark.parametrize("code", [code.value for code in Code if not code.value.startswith("INVALID_")])
def test_every_code_is_in_the_documents(code):
    assert f"`{code}`" in (DOCUMENTS / "api.md").read_text() + (DOCUMENTS / "orders.md").read_text()


def test_counted_codes_are_codes():
    assert {Code(code).value for code in COUNTED_CODES} == COUNTED_CODES
