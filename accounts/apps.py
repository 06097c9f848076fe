"""Django's name for the command side."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The command side: accounts, their commands, and who may send them."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
