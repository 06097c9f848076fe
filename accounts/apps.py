"""Django's name for the command side."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The command side: accounts, their commands, and who may send them."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let drf-spectacular know the authentication schemes: importing them registers them."""
        import_module("accounts.api.openapi")
