"""Who may do what: every role with every action, and the sentence that says why not."""

import pytest

from identity.authentication import Principal
from identity.permissions import (
    COMPLIANCE,
    FEED,
    INTEGRATOR,
    OPERATOR,
    OWNER,
    STAFF,
    SUPERUSER,
    TRADER,
    VIEWER,
    Access,
    Action,
    why_no_command,
    why_not,
)

NOBODY = Principal("somebody", "somebody")
ACTIONS = (
    *(Action.TRADE, Action.BOOK_TRADE, Action.END_ORDER, Action.SUPERVISE, Action.CLOSE),
    *(Action.CANCEL_EVERYTHING, Action.PUSH_QUOTES, Action.OPERATE_MARKET),
)

# Role on the platform, role on the account: trade, book trades, end orders, supervise, close, cancel
# everything, push quotes, operate the market.
EXPECTED = {
    (TRADER, OWNER): "yes no no no yes no no no",
    (TRADER, TRADER): "yes no no no no no no no",
    (TRADER, VIEWER): "no no no no no no no no",
    (TRADER, None): "no no no no no no no no",
    (INTEGRATOR, OWNER): "yes yes no no yes no no no",
    (INTEGRATOR, TRADER): "yes yes no no no no no no",
    (INTEGRATOR, VIEWER): "no no no no no no no no",
    (INTEGRATOR, None): "no no no no no no no no",
    (FEED, TRADER): "yes no no no no no yes no",
    (FEED, VIEWER): "no no no no no no yes no",
    (VIEWER, OWNER): "no no no no no no no no",
    (VIEWER, TRADER): "no no no no no no no no",
    (VIEWER, VIEWER): "no no no no no no no no",
    (VIEWER, None): "no no no no no no no no",
    (STAFF, OWNER): "yes no no yes yes no no no",
    (STAFF, STAFF): "no no no yes yes no no no",
    (COMPLIANCE, OWNER): "yes no no yes yes yes no no",
    (COMPLIANCE, VIEWER): "no no no yes yes yes no no",
    (COMPLIANCE, STAFF): "no no no yes yes yes no no",
    (OPERATOR, OWNER): "yes yes yes no yes yes yes yes",
    (OPERATOR, TRADER): "yes yes yes no no yes yes yes",
    (OPERATOR, VIEWER): "no yes yes no no yes yes yes",
    (OPERATOR, STAFF): "no yes yes no no yes yes yes",
    (SUPERUSER, STAFF): "yes yes yes yes yes yes yes yes",
    (SUPERUSER, VIEWER): "yes yes yes yes yes yes yes yes",
}


def access(platform_role, role, scope="trade"):
    return Access(NOBODY._replace(scope=scope), role, platform_role)


@pytest.mark.parametrize(("roles", "expected"), EXPECTED.items())
def test_a_role_allows_exactly_what_the_table_says(roles, expected):
    found = ["yes" if why_not(access(*roles), "a", action) is None else "no" for action in ACTIONS]
    assert " ".join(found) == expected


@pytest.mark.parametrize("platform_role", [TRADER, VIEWER, FEED, INTEGRATOR, STAFF, COMPLIANCE, OPERATOR, SUPERUSER])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_key_for_reading_commands_nothing_whatever_the_role(platform_role, action):
    reason = why_not(access(platform_role, OWNER, "read"), "a", action)
    assert reason == "this API key is for reading: send commands with a key whose scope is trade"


def test_a_refusal_says_what_is_missing():
    assert why_not(access(TRADER, None), "a-7", Action.TRADE) == (
        "you have no access to account a-7: check the id, or ask its owner for access"
    )
    assert why_not(access(TRADER, VIEWER), "a-7", Action.TRADE) == (
        "your role on account a-7 is viewer: this needs owner or trader"
    )
    assert why_not(access(TRADER, OWNER), "a-7", Action.BOOK_TRADE) == (
        "your role on the platform is trader, and trades that were executed elsewhere are booked by integrator or "
        "operator: place an order (placeOrder), or ask an operator for the role integrator"
    )
    assert "your role on the platform is compliance" in why_not(access(COMPLIANCE, STAFF), "a-7", Action.BOOK_TRADE)
    assert why_not(access(INTEGRATOR, VIEWER), "a-7", Action.BOOK_TRADE) == (
        "your role on account a-7 is viewer: this needs owner or trader"
    )
    assert why_not(access(INTEGRATOR, None), "a-7", Action.BOOK_TRADE) == (
        "you have no access to account a-7: check the id, or ask its owner for access"
    )
    assert "sends no commands" in why_not(access(VIEWER, OWNER), "a-7", Action.TRADE)


def test_only_viewers_and_keys_for_reading_send_no_command_at_all():
    roles = (TRADER, FEED, INTEGRATOR, STAFF, COMPLIANCE, OPERATOR, SUPERUSER)
    assert [why_no_command(access(role, None)) for role in roles] == [None] * 7
    assert why_no_command(access(VIEWER, None)) is not None
    assert why_no_command(access(TRADER, None, "read")) is not None
