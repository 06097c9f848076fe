"""The refusals of the domain: stable codes, and the error for a command that is refused without being recorded.

A refusal that the rules of an existing account lead to is an event (CommandRefused). Malformed input and commands for
an account that does not exist are not recorded: they raise `CommandInvalid`.
"""

from enum import StrEnum


class Code(StrEnum):
    """Why a command was refused. Clients rely on these names: they are never renamed."""

    ACCOUNT_ALREADY_OPEN = "ACCOUNT_ALREADY_OPEN"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
    ACCOUNT_NOT_FOUND = "ACCOUNT_NOT_FOUND"
    ACCOUNT_NOT_FROZEN = "ACCOUNT_NOT_FROZEN"
    DAILY_LIMIT_EXCEEDED = "DAILY_LIMIT_EXCEEDED"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    INSUFFICIENT_POSITION = "INSUFFICIENT_POSITION"
    INVALID_ACCOUNT_ID = "INVALID_ACCOUNT_ID"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    INVALID_COMMAND_ID = "INVALID_COMMAND_ID"
    INVALID_CURRENCY = "INVALID_CURRENCY"
    INVALID_LIMIT = "INVALID_LIMIT"
    INVALID_NAME = "INVALID_NAME"
    INVALID_ORDER_ID = "INVALID_ORDER_ID"
    INVALID_PRICE = "INVALID_PRICE"
    INVALID_QUANTITY = "INVALID_QUANTITY"
    INVALID_REFERENCE = "INVALID_REFERENCE"
    INVALID_SIDE = "INVALID_SIDE"
    POSITION_LIMIT_EXCEEDED = "POSITION_LIMIT_EXCEEDED"
    TRADE_LIMIT_EXCEEDED = "TRADE_LIMIT_EXCEEDED"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    VALUE_LIMIT_EXCEEDED = "VALUE_LIMIT_EXCEEDED"


class CommandInvalid(Exception):
    """A command that is refused and leaves no trace: malformed, or for an account that does not exist."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
