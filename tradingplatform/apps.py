"""Django's name for the outer ring; wires the apps together when Django starts."""

from django.apps import AppConfig


class TradingPlatformConfig(AppConfig):
    """The outer ring."""

    name = "tradingplatform"

    def ready(self) -> None:
        """Wire the apps; bootstrap needs the models of all of them, so it is imported when they are loaded."""
        from tradingplatform.bootstrap import wire  # noqa: PLC0415

        wire()
