"""The Django app of the demo market; it has no models."""

from django.apps import AppConfig


class MarketConfig(AppConfig):
    """Reference data and the simulated session; nothing is loaded before it is asked for."""

    name = "market"
    verbose_name = "Market"
