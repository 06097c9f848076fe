"""Django's name for the query side."""

from django.apps import AppConfig


class ReadModelsConfig(AppConfig):
    """The query side."""

    name = "readmodels"
    verbose_name = "Accounts and their audit trail"
