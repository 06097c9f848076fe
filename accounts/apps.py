"""Django's name for the command side."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The command side: accounts and their commands."""

    name = "accounts"
