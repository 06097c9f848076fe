"""Orders whose time is over are found page by page, oldest first, past those that do not move."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('readmodels', '0008_actors_and_wide_counts'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='order',
            index=models.Index(
                condition=models.Q(('ended_at__isnull', True), models.Q(('time_in_force', 'GTC'), _negated=True)),
                fields=['placed_at', 'order_id'],
                name='orders_expiring',
            ),
        ),
    ]
