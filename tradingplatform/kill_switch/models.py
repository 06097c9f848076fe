"""The runs of the kill switch, as rows: who ended what, when, why, and what came of it. Written by `recorded` only."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.utils import timezone

from market.models import ACTOR_LENGTH_MAX, REASON_LENGTH_MAX

SILENT_MAX: Final = timedelta(seconds=180)
"""How long a run may say nothing of itself before it counts as interrupted: more than it may take and wait at most."""


class KillSwitchRun(models.Model):
    """One run: it says how far it is every page of orders, and what came of it at its end."""

    started_at = models.DateTimeField(db_comment="UTC")
    heard_at = models.DateTimeField(db_comment="UTC; when it last said how far it is")
    finished_at = models.DateTimeField(null=True, db_comment="UTC; null while it runs, and for good when it was killed")
    actor = models.CharField(max_length=ACTOR_LENGTH_MAX)
    reason = models.CharField(max_length=REASON_LENGTH_MAX)
    whose = models.CharField(max_length=200, db_comment="Whose orders, for people")
    account_ids = models.JSONField(null=True, db_comment="The accounts, where accounts were asked for")
    asked = models.BigIntegerField(default=0, db_comment="Orders that were found and asked for so far")
    cancelled = models.BigIntegerField(default=0)
    ended_before = models.BigIntegerField(default=0, db_comment="Filled, or ended in another way, before")
    failures = models.JSONField(default=dict, db_comment="Orders that could not be cancelled, by code")
    is_behind = models.BooleanField(default=False, db_comment="Orders may work that were not found")
    is_complete = models.BooleanField(default=False, db_comment="Nothing was left of what worked when it began")
    error = models.TextField(blank=True, db_comment="What ended it early, if anything did")

    class Meta:
        """Newest first; a log that nobody writes by hand."""

        ordering = ("-id",)
        default_permissions = ("view",)
        verbose_name = "kill switch run"

    def __str__(self) -> str:
        return f"{self.whose}, {self.started_at}"

    @property
    def state(self) -> str:
        """Return how it is: running, complete, incomplete, failed or interrupted."""
        if self.finished_at is None:
            return "running" if timezone.now() - self.heard_at <= SILENT_MAX else "interrupted"
        if self.error:
            return "failed"
        return "complete" if self.is_complete else "incomplete"
