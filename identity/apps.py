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
        """Refuse the names that no user may have: every form and command that makes or renames a user asks the
        validators of the field.
        """
        check_username = import_module("identity.actors").check_username
        get_user_model()._meta.get_field("username").validators.append(check_username)
