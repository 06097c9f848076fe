"""A group for programs that push the market's prices. Its name is written out, as in the first."""

from django.db import migrations


def make_group(apps, schema_editor):
    """Make the group of the role."""
    apps.get_model("auth", "Group").objects.get_or_create(name="feed")


class Migration(migrations.Migration):

    dependencies = [("identity", "0002_integrators")]

    operations = [migrations.RunPython(make_group, migrations.RunPython.noop, elidable=False)]
