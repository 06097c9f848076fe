"""Django's name for the query side."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class ReadModelsConfig(AppConfig):
    """The query side."""

    name = "readmodels"
    verbose_name = "Accounts and their audit trail"

    def ready(self) -> None:
        """Keep the views for reporting tools in step with the tables."""
        from readmodels.views import reporting  # noqa: PLC0415 - models exist only now.

        pre_migrate.connect(reporting.drop_views, sender=self)
        post_migrate.connect(reporting.make_views, sender=self)
