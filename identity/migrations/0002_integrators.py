"""A group for integrators, who book trades that were executed elsewhere. Its name is written out, as in the first."""

from django.db import migrations


def make_group(apps, schema_editor):
    """Make the group of the role."""
    apps.get_model("auth", "Group").objects.get_or_create(name="integrator")


class Migration(migrations.Migration):

    dependencies = [("identity", "0001_initial")]

    operations = [migrations.RunPython(make_group, migrations.RunPython.noop, elidable=False)]
