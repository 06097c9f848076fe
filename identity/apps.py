"""Django's name for who asks and what they may."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.auth import get_user_model


class IdentityConfig(AppConfig):
    """Users, their roles on accounts, API keys, sessions, and how access ends."""

    name = "identity"
    verbose_name = "Access and API keys"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let drf-spectacular know the authentication schemes (importing registers them), and Django the names that no
        user may have: every form and command that makes or renames a user asks the validators of the field.
        """
        import_module("identity.api.openapi")
        check_username = import_module("identity.users").check_username
        get_user_model()._meta.get_field("username").validators.append(check_username)
