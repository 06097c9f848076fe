"""Why the rules of an account refused a command, in a sentence for each code; the figures stand beside it."""

from typing import Final

REFUSAL_MESSAGES: Final = {
    "ACCOUNT_ALREADY_OPEN": "the account is open already",
    "ACCOUNT_CLOSED": "the account is closed, for ever: open another one",
    "ACCOUNT_HAS_CASH": "an account is closed when it is empty, and this one has cash: withdraw it first",
    "ACCOUNT_HAS_ORDERS": "an account is closed when it is empty, and this one has working orders: cancel them first",
    "ACCOUNT_HAS_POSITIONS": "an account is closed when it is empty, and this one holds shares: sell them first",
    "ACCOUNT_NOT_ACTIVE": "the account is frozen: ask compliance to unfreeze it",
    "ACCOUNT_NOT_FROZEN": "the account is not frozen",
    "DAILY_LIMIT_EXCEEDED": "the value traded today would exceed the account's daily limit",
    "DUPLICATE_CLIENT_ORDER_ID": "a working order of the account has this client order id: give another one",
    "DUPLICATE_ORDER_ID": "a working order of the account has this order id",
    "FILL_NOT_COMPLETE": "the order is fill or kill: a trade fills all that is left of it, or it is cancelled",
    "FILL_NOT_OF_ORDER": "the order is of another symbol or side than the trade",
    "INSUFFICIENT_FUNDS": "the account has less unreserved cash than this needs",
    "INSUFFICIENT_POSITION": "the account holds fewer unreserved shares than this sells",
    "INVALID_LIMIT_PRICE": "a limit price belongs to LIMIT and STOP_LIMIT orders, and only to them",
    "INVALID_STOP_PRICE": "a stop price belongs to STOP and STOP_LIMIT orders, and only to them",
    "INVALID_TIME_IN_FORCE": "an order that waits for its stop is DAY or GTC",
    "ORDER_COUNT_EXCEEDED": "the account has as many working orders as it may have: cancel some first",
    "ORDER_NOT_EXPIRING": "the order is good till cancelled: it does not expire",
    "ORDER_NOT_OPEN": "the account has no such working order: it was filled or replaced, has ended, or never was",
    "ORDER_QUANTITY_EXCEEDED": "the trade is for more shares than are left of the order",
    "ORDER_QUANTITY_FILLED": "so many shares of the order are filled already: its new quantity has to be above that",
    "ORDER_UNCHANGED": "the new order would be like the old one: give what is to change",
    "POSITION_LIMIT_EXCEEDED": "the position would be a larger part of the portfolio than the account may hold",
    "PRICE_BEYOND_LIMIT": "the trade's price is worse than the order's limit",
    "TRADE_LIMIT_EXCEEDED": "the trade's value exceeds the account's limit for one trade",
    "VALUE_LIMIT_EXCEEDED": "the account would be worth more than the platform can hold",
}
