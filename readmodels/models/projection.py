"""How far the projections are, and what they could not take."""

from django.db import models

from readmodels.models.columns import ACCOUNT


class ProjectionCheckpoint(models.Model):
    """How far each partition of the event store is projected; moves in the same transaction as the rows."""

    partition = models.IntegerField(primary_key=True, db_comment="Of the event store")
    seq = models.BigIntegerField(db_comment="Last batch that is in the tables")
    stopped_because = models.TextField(blank=True, db_comment="Why projecting stopped here; empty while it goes on")

    class Meta:
        db_table = "projection_checkpoints"
        db_table_comment = "How far each partition of the event store is projected; moves together with the rows"

    def __str__(self) -> str:
        return f"partition {self.partition} at {self.seq}"


class DeadLetter(models.Model):
    """An event that could not be projected, or that waits behind one of the same account; retried in the admin."""

    pk = models.CompositePrimaryKey("account_id", "version")
    account_id = models.UUIDField(db_comment=ACCOUNT)
    version = models.BigIntegerField(db_comment="Account version of the event")
    partition = models.IntegerField(db_comment="Of the event store")
    seq = models.BigIntegerField(db_comment="Batch that holds the event")
    event_type = models.CharField(max_length=40, db_comment="Such as TradeExecuted")
    error = models.TextField(db_comment="What went wrong; empty for an event that waits behind another")

    class Meta:
        db_table = "dead_letters"
        db_table_comment = "An event that could not be projected, or that waits behind one of the same account"
