"""Django's name for the command side."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.auth import get_user_model


class AccountsConfig(AppConfig):
    """The command side: accounts, their commands, and who may send them."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let drf-spectacular know the authentication schemes (importing registers them), and Django the names that no
        user may have: every form and command that makes or renames a user asks the validators of the field.
        """
        import_module("accounts.api.openapi")
        check_username = import_module("accounts.users").check_username
        get_user_model()._meta.get_field("username").validators.append(check_username)
