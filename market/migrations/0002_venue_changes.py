"""The log of the venue's stops and starts, which is only ever added to (see models.py)."""

from django.db import migrations, models

KEEP = """
CREATE FUNCTION market_keep_venue_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log of the venue is only ever added to: change % stays what it is', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER market_keep_venue_changes BEFORE UPDATE OR DELETE ON market_venuechange
FOR EACH ROW EXECUTE FUNCTION market_keep_venue_changes();
"""
FORGET = """
DROP TRIGGER market_keep_venue_changes ON market_venuechange;
DROP FUNCTION market_keep_venue_changes;
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="VenueChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_stopped", models.BooleanField(db_comment="What it is from then on")),
                ("at", models.DateTimeField(db_comment="UTC")),
                ("actor", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=140)),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": ("view",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("actor", ""), _negated=True) & models.Q(("reason", ""), _negated=True),
                        name="venuechange_who_and_why",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
