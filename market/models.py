"""Instruments, corporate actions and their changes, bars, and the stops and starts of the venue, as rows. What they
mean is in market/instruments, corporate_actions, bars and venue; nothing is read from here by a command.

The database itself holds the rules of the log (migration 0001): a change that says neither who does it nor why is
refused, every change writes its row of the log in the same transaction, and nothing is deleted. The numbers of the log
are in the order of the commits, because whoever changes an instrument waits for those who do so.
"""

from typing import ClassVar, Final

from django.db import models
from django.db.models import Q

from market.corporate_actions.definition import Kind, State
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


class CorporateAction(models.Model):
    """What happens to the shares of a symbol from a session on. Announced and withdrawn by
    market/corporate_actions/announcing.py only, applied by the platform.
    """

    kind = models.CharField(max_length=13, choices=[(kind.value, kind.value) for kind in Kind])
    symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX)
    effective_date = models.DateField(db_comment="First session on the new terms, in the time of the market (ex-date)")
    numerator = models.IntegerField(null=True, blank=True, db_comment="New shares of a split ...")
    denominator = models.IntegerField(null=True, blank=True, db_comment="... for so many old ones")
    lot_size = models.BigIntegerField(
        null=True, blank=True, db_comment="Millionths of a share: less of a split's new shares is paid in cash"
    )
    fraction_price = models.BigIntegerField(
        null=True, blank=True, db_comment="Ten-thousandths: what a new share is paid at; once applying, never null"
    )
    amount_per_share = models.BigIntegerField(null=True, blank=True, db_comment="Hundred-millionths of the currency")
    new_symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX, null=True, blank=True)  # noqa: DJ001 - null is "none".
    new_name = models.CharField(max_length=NAME_LENGTH_MAX, null=True, blank=True)  # noqa: DJ001
    state = models.CharField(
        max_length=9, choices=[(each.value, each.value) for each in State], default=State.ANNOUNCED.value
    )
    was_halted = models.BooleanField(default=False, db_comment="Trading was suspended already when it began")
    keeps_halted = models.BooleanField(default=False, db_comment="Somebody halted the instrument meanwhile")
    began_at = models.DateTimeField(null=True, blank=True, db_comment="When trading was halted for it")
    repriced_at = models.DateTimeField(null=True, blank=True, db_comment="Since when prices are of the new shares")
    ended_at = models.DateTimeField(null=True, blank=True, db_comment="When the last holder was served")
    holders = models.BigIntegerField(null=True, blank=True, db_comment="To how many accounts it was applied")
    cash_paid = models.BigIntegerField(null=True, blank=True, db_comment="Ten-thousandths: paid to all of them")

    class Meta:
        """Newest first; nothing is deleted."""

        ordering = ("-id",)
        default_permissions = ("view", "add", "change")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="corporate_action_once",
                fields=["symbol", "kind", "effective_date"],
                condition=~Q(state=State.WITHDRAWN.value),
            ),
            models.CheckConstraint(name="corporate_action_kind", condition=Q(kind__in=[str(kind) for kind in Kind])),
            models.CheckConstraint(name="corporate_action_state", condition=Q(state__in=[str(each) for each in State])),
        ]

    def __str__(self) -> str:
        return f"{self.id}: {self.kind} of {self.symbol}, {self.effective_date}"


class CorporateActionChange(models.Model):
    """That an action was announced, or came into another state: who, when, why, and both states. Written by the
    database itself.
    """

    action_id = models.BigIntegerField(db_index=True)
    at = models.DateTimeField(db_comment="UTC")
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX)
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    before = models.JSONField(null=True, db_comment="The row before; null for a new action")
    after = models.JSONField(db_comment="The row after")

    class Meta:
        """Newest first; a log that nobody writes by hand."""

        ordering = ("-id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.action_id}, {self.at}"


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


class _Bar(models.Model):
    """What an instrument cost over a span of time (market/bars). Columns of fixed width first, because there are many
    rows; the key makes the bars of one symbol in a time one stretch of the index.
    """

    pk = models.CompositePrimaryKey("symbol", "at")
    at = models.DateTimeField(db_comment="When the bar begins, in market time")
    open = models.BigIntegerField(db_comment="First price, in ten-thousandths of the currency")
    high = models.BigIntegerField(db_comment="Highest price")
    low = models.BigIntegerField(db_comment="Lowest price")
    close = models.BigIntegerField(db_comment="Last price")
    volume = models.BigIntegerField(null=True, db_comment="Millionths of a share; null where it is not known")
    price_count = models.IntegerField(null=True, db_comment="How many prices it is made of; null where it is not known")
    source = models.SmallIntegerField(db_comment="1 SIMULATED, 2 PUSHED, 3 IMPORTED")

    class Meta:
        abstract = True
        default_permissions = ()


class _LongBar(_Bar):
    is_derived = models.BooleanField(db_comment="Made here of shorter bars or of closes; made anew with them")

    class Meta(_Bar.Meta):
        abstract = True


class MinuteBar(_Bar):
    """A minute; partitioned by the month of `at` (migration 0003, market/bars/writing.py)."""

    symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX)

    class Meta(_Bar.Meta):
        db_table = "bars_1m"

    def __str__(self) -> str:
        return f"{self.symbol}, {self.at}"


class HourBar(_LongBar):
    """An hour."""

    symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX)

    class Meta(_LongBar.Meta):
        db_table = "bars_1h"

    def __str__(self) -> str:
        return f"{self.symbol}, {self.at}"


class DayBar(_LongBar):
    """A session; `at` is midnight UTC of its date."""

    symbol = models.CharField(max_length=SYMBOL_LENGTH_MAX)

    class Meta(_LongBar.Meta):
        db_table = "bars_1d"

    def __str__(self) -> str:
        return f"{self.symbol}, {self.at}"


class BarImport(models.Model):
    """That bars of a file were imported: who, when, why, and how many. Written by market/bars/importing.py."""

    at = models.DateTimeField(db_comment="UTC")
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX)
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    span = models.CharField(max_length=2, db_comment="1m, 1h or 1d")
    bars = models.BigIntegerField(db_comment="Bars of the file")
    replaced = models.BigIntegerField(db_comment="Of these, bars that there were before, and that are replaced")
    symbols = models.IntegerField(db_comment="How many symbols they are of")
    first_at = models.DateTimeField(db_comment="When the first of them begins")
    latest_at = models.DateTimeField(db_comment="When the latest of them begins")

    class Meta:
        """Newest first; a log that nobody writes by hand."""

        ordering = ("-id",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.bars} bars, {self.at}"
