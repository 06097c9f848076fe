"""Django's name for the market."""

from django.apps import AppConfig


class MarketConfig(AppConfig):
    """Instruments, reference data and the simulated session; nothing is loaded before it is asked for."""

    name = "market"
    verbose_name = "Market"
