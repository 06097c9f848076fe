"""Instruments, their changes, and the stops and starts of the venue, as rows. What they mean is in market/instruments
and market/venue; nothing is read from here by a command.

The database itself holds the rules of the log (migration 0001): a change that says neither who does it nor why is
refused, every change of an instrument writes its row of the log in the same transaction, and nothing is deleted. The
numbers of the log are in the order of the commits, because whoever changes an instrument waits for those who do so.
"""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from market.instruments.definition import (
    CURRENCY_PATTERN,
    EXCHANGE_LENGTH_MAX,
    KINDS,
    NAME_LENGTH_MAX,
    SECTOR_LENGTH_MAX,
    SYMBOL_LENGTH_MAX,
    SYMBOL_PATTERN,
)

ACTOR_LENGTH_MAX: Final = 300
REASON_LENGTH_MAX: Final = 140


class Instrument(models.Model):
    """What can be traded, or could be once. Changed by market/instruments/changes.py only."""

    symbol = models.CharField(primary_key=True, max_length=SYMBOL_LENGTH_MAX)
    name = models.CharField(max_length=NAME_LENGTH_MAX)
    kind = models.CharField(max_length=6, choices=[(kind, kind) for kind in KINDS])
    sector = models.CharField(max_length=SECTOR_LENGTH_MAX, blank=True, db_comment="GICS sector; empty for none")
    exchange = models.CharField(max_length=EXCHANGE_LENGTH_MAX)
    currency = models.CharField(max_length=3, db_comment="ISO 4217")
    price_increment = models.BigIntegerField(db_comment="Ten-thousandths of the currency; prices are multiples of it")
    lot_size = models.BigIntegerField(db_comment="Millionths of a share; quantities are multiples of it")
    is_tradable = models.BooleanField(default=True)
    is_halted = models.BooleanField(default=False)

    class Meta:
        """By symbol; nothing is deleted."""

        ordering = ("symbol",)
        default_permissions = ("view", "add", "change")
        constraints: ClassVar = [
            models.CheckConstraint(name="instrument_symbol", condition=Q(symbol__regex=rf"^{SYMBOL_PATTERN}$")),
            models.CheckConstraint(name="instrument_kind", condition=Q(kind__in=KINDS)),
            models.CheckConstraint(name="instrument_currency", condition=Q(currency__regex=f"^{CURRENCY_PATTERN}$")),
            models.CheckConstraint(name="instrument_price_increment", condition=Q(price_increment__gt=0)),
            models.CheckConstraint(name="instrument_lot_size", condition=Q(lot_size__gt=0)),
        ]

    def __str__(self) -> str:
        return self.symbol


class InstrumentChange(models.Model):
    """That an instrument was added or changed: who, when, why, and both states. Written by the database itself."""

    symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX, db_index=True)
    at = models.DateTimeField(db_comment="UTC")
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX)
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    before = models.JSONField(null=True, db_comment="The row before; null for a new instrument")
    after = models.JSONField(db_comment="The row after")

    class Meta:
        """Newest first; a log that nobody writes by hand."""

        ordering = ("-id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.symbol}, {self.at}"


class VenueChange(models.Model):
    """That the venue was stopped or started by hand: who, when, why. Added by market/venue only."""

    is_stopped = models.BooleanField(db_comment="What it is from then on")
    at = models.DateTimeField(db_comment="UTC")
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX)
    reason = models.CharField(max_length=REASON_LENGTH_MAX)

    class Meta:
        """Newest first; a log that nobody writes by hand."""

        ordering = ("-id",)
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.CheckConstraint(name="venuechange_who_and_why", condition=~Q(actor="") & ~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{'stopped' if self.is_stopped else 'started'}, {self.at}"
