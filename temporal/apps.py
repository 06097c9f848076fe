"""Django's name for time travel."""

from django.apps import AppConfig


class TemporalConfig(AppConfig):
    """Time travel."""

    name = "temporal"
    verbose_name = "Time travel"
