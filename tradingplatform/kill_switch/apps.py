"""Django's name for the kill switch, which has a table of its own."""

from django.apps import AppConfig


class KillSwitchConfig(AppConfig):
    """The kill switch."""

    name = "tradingplatform.kill_switch"
    label = "kill_switch"
    verbose_name = "Kill switch"
