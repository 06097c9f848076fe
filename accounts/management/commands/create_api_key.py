"""manage.py create_api_key: make an API key for a user and print it, once."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from accounts.api_keys import create_api_key


class Command(BaseCommand):
    """Make an API key."""

    help = "Make an API key for a user and print it. It is shown this once: only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("username", help="whose key it is")
        parser.add_argument("--name", default="default", help="what the key is for (default: %(default)s)")
        parser.add_argument("--create-user", action="store_true", help="make the user when there is none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key alone on standard output."""
        users = get_user_model().objects
        user = users.filter(username=options["username"]).first()
        if user is None and options["create_user"]:
            user = users.create_user(options["username"], password=secrets.token_urlsafe(24))
        if user is None:
            raise CommandError(f"there is no user {options['username']!r}: add --create-user to make one")
        self.stdout.write(create_api_key(user=user, name=options["name"]))
