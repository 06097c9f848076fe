"""What the columns of several tables share."""

from typing import Any

from django.db import models

MONEY = "in ten-thousandths of the account's currency"
SUM_OF_MONEY = "in ten-thousandths of the currency"
SHARES = "in millionths of a share"
ACCOUNT = "Account id"
SYMBOL = "Symbol of the instrument"
CORRELATION = "What it belongs together with, if not the command alone"
ACTOR = "user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>"
ACTOR_LENGTH_MAX = 250
"""Two ids of 19 digits, a user's name of 150 characters and a key's of 40."""


def money(meaning: str) -> models.BigIntegerField:
    """Return a column for an amount of money or a price."""
    return models.BigIntegerField(db_comment=f"{meaning}, {MONEY}")


def money_or_none(meaning: str) -> models.BigIntegerField:
    """Return a column for a price that there may not be."""
    return models.BigIntegerField(null=True, db_comment=f"{meaning}, {MONEY}")


def shares(meaning: str) -> models.BigIntegerField:
    """Return a column for a quantity of one account."""
    return models.BigIntegerField(db_comment=f"{meaning}, {SHARES}")


def sum_of_shares(meaning: str) -> models.DecimalField:
    """Return a column for the shares of many accounts."""
    return models.DecimalField(max_digits=38, decimal_places=0, db_comment=f"{meaning}, {SHARES}")


def sum_of_money(meaning: str) -> models.DecimalField:
    """Return a column for a sum over many accounts: a whole number, of more than 64 bits when it has to be."""
    return models.DecimalField(max_digits=38, decimal_places=0, db_comment=f"{meaning}, {SUM_OF_MONEY}")


def columns_of(model: Any) -> list[str]:
    """Return the names of a table's or a view's columns, in the order of its declaration."""
    return [field.name for field in model._meta.concrete_fields if field.column is not None]
