"""Whose orders the kill switch is asked to end, and why: both ways in check it here, before anything is ended.

A value that is empty or malformed is refused. It never stands for the whole firm, which is asked for by name only.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from accounts.api.parsing import factories
from accounts.domain.errors import CommandInvalid
from identity.actors import check_username, user_reference
from market.instruments.definition import InvalidInstrument, parse_field
from readmodels.queries.queries import OrderScope

SCOPES: Final = ("account_id", "username", "symbol", "everybody")
_WHOSE: Final = {
    "account_id": "account {}",
    "username": "every account of {}",
    "symbol": "{}",
    "everybody": "the whole firm",
}
_ANY_ORDER: Final = "00000000-0000-4000-8000-000000000000"


class UnclearQuestion(ValueError):
    """What is asked for is not one scope with a value that can be, or no reason is given."""


class UnknownUser(ValueError):
    """There is no user of that name."""


def checked_scope(given: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the one scope that is given, and its value, checked; raises UnclearQuestion.

    None and False are not given; an empty text is, and is refused.
    """
    names = [name for name in SCOPES if given.get(name) not in (None, False)]
    if len(names) != 1:
        shown = ", ".join(names) or "none"
        raise UnclearQuestion(
            f"say whose orders: one of accountId, username, symbol and everybody: true; found {shown}"
        )
    name, value = names[0], given[names[0]]
    try:
        if name == "account_id":
            factories.account_id(value)
        elif name == "symbol":
            parse_field("symbol", value)
        elif name == "username":
            _check_username(value)
    except (CommandInvalid, InvalidInstrument) as error:
        raise UnclearQuestion(str(error)) from error
    return name, value


def checked_reason(given: str) -> str:
    """Return a reason as it is recorded with the end of each order; raises UnclearQuestion."""
    try:
        reason = factories.cancel_order(order_id=_ANY_ORDER, reason=given).reason
    except CommandInvalid as error:
        raise UnclearQuestion(error.message) from error
    if not reason:
        raise UnclearQuestion("say why: a reason is 1 to 140 printable characters, found none")
    return reason


def whose_orders(name: str, value: Any) -> str:
    """Return whose orders a checked name and value stand for, for people."""
    return _WHOSE[name].format(value)


def order_scope(name: str, value: Any) -> OrderScope:
    """Return the scope of a checked name and value; raises UnknownUser."""
    if name == "everybody":
        return OrderScope()
    if name == "username":
        user = get_user_model().objects.filter(username=value).first()
        if user is None:
            raise UnknownUser(f"there is no user {value[:40]!r}: the admin lists them")
        return OrderScope(owner=user_reference(user.pk))
    if name == "account_id":
        return OrderScope(account_ids=(value,))
    return OrderScope(symbol=value)


def _check_username(value: str) -> None:
    try:
        check_username(value)
    except ValidationError as error:
        raise UnclearQuestion("; ".join(error.messages)) from error
    if not value:
        raise UnclearQuestion("say which user: a username is not empty")
