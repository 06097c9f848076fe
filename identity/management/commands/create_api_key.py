"""manage.py create_api_key: make an API key for a user and print it, once."""

import secrets
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from identity.api_keys import DAYS_MAX, REQUESTS_PER_MINUTE_MAX, create_api_key
from identity.models import ApiKey


class Command(BaseCommand):
    """Make an API key."""

    help = "Make an API key for a user and print it. It is shown this once: only its hash is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("username", help="whose key it is")
        parser.add_argument("--name", default="default", help="what the key is for (default: %(default)s)")
        parser.add_argument("--create-user", action="store_true", help="make the user when there is none")
        parser.add_argument(
            "--scope", choices=ApiKey.Scope.values, default="trade", help="trade includes read (default: %(default)s)"
        )
        parser.add_argument("--expires-in-days", type=_days, metavar="DAYS", help="worthless after (default: never)")
        parser.add_argument(
            "--requests-per-minute",
            type=_requests,
            metavar="COUNT",
            help="limit of this key, 0 for none (default: API_KEY_REQUESTS_PER_MINUTE)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key alone on standard output."""
        users = get_user_model().objects
        user = users.filter(username=options["username"]).first()
        if user is None and not options["create_user"]:
            raise CommandError(f"there is no user {options['username']!r}: add --create-user to make one")
        try:
            with transaction.atomic():
                key = create_api_key(
                    user=_make_user(options["username"]) if user is None else user,
                    name=options["name"],
                    scope=options["scope"],
                    expires_in_days=options["expires_in_days"],
                    requests_per_minute=options["requests_per_minute"],
                )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(key)


def _make_user(username: str) -> Any:
    made = get_user_model()(username=username)
    made.set_password(secrets.token_urlsafe(24))
    made.full_clean()
    made.save()
    return made


def _days(text: str) -> int:
    return _whole_number(text, least=1, most=DAYS_MAX)


def _requests(text: str) -> int:
    return _whole_number(text, least=0, most=REQUESTS_PER_MINUTE_MAX)


def _whole_number(text: str, *, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise ArgumentTypeError(f"expected a whole number from {least:,} to {most:,}, found {text!r}")
    return int(text)
