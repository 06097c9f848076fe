"""What the platform remembers of its own work on accounts: whom a corporate action was applied to, and which session
closes positions were marked at.

None of it is a truth about accounts, which is in their events. It says what was asked for already, under which command
ids, so that whoever goes on after a crash asks for the same under the same ids.
"""

from typing import ClassVar

from django.db import models

from market.models import CorporateAction


class CorporateActionHolder(models.Model):
    """That a corporate action was asked of an account; written before the command is sent, and after its answer."""

    pk = models.CompositePrimaryKey("action_id", "account_id")
    action = models.ForeignKey(CorporateAction, on_delete=models.PROTECT, db_index=False)
    account_id = models.UUIDField(db_comment="Account that held the shares")
    asked_at_us = models.BigIntegerField(db_comment="UTC microseconds: the time in the command's id")
    code = models.CharField(
        max_length=32, blank=True, db_comment="DONE, or why it was not done; empty while the answer is not known"
    )
    quantity = models.BigIntegerField(default=0, db_comment="Millionths of a share that it held")
    amount = models.BigIntegerField(default=0, db_comment="Ten-thousandths of the currency that it was paid")

    class Meta:
        """By action and account."""

        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["action"], name="corporate_action_left", condition=~models.Q(code="DONE"))
        ]


class SessionMark(models.Model):
    """A session's close, with its prices, and how far the accounts are marked at them."""

    session_date = models.DateField(db_comment="In the time of the market")
    session = models.IntegerField(
        db_comment="Days since 1970-01-01 of session_date; one more than the one before where a replay has begun again"
    )
    closed_at_us = models.BigIntegerField(unique=True, db_comment="Real time of the close, UTC microseconds")
    prices = models.JSONField(db_comment="Ten-thousandths of the currency, by symbol")
    after_account = models.UUIDField(null=True, db_comment="The last account that was asked; null before the first one")
    marked = models.BigIntegerField(default=0, db_comment="Accounts marked so far")
    left_out = models.BigIntegerField(default=0, db_comment="Accounts whose answer was another; the next close counts")
    ended_at = models.DateTimeField(null=True, db_comment="When the last account was asked")

    class Meta:
        """Newest first."""

        ordering = ("-closed_at_us",)
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"close of {self.session_date}"
