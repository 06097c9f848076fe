"""manage.py create_user: make a user with a role on the platform, and print what was made."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from identity.permissions import GROUPS, ROLES_WITH_ADMIN, give_role


class Command(BaseCommand):
    """Make a user."""

    help = (
        "Make a user with a role: viewer (looks), trader (trades its accounts), feed (pushes prices too), integrator "
        "(books trades on them too), compliance, operator (see docs)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("username", metavar="NAME", help="the name to log in with")
        parser.add_argument("--role", required=True, choices=GROUPS, help="the user's role on the platform")
        parser.add_argument("--email", default="", help="an address to reach the user")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the first line of standard input instead of asking for it twice",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the user and say what it may do."""
        role, users = options["role"], get_user_model()
        user = users(username=options["username"], email=options["email"])
        password = _read_line() if options["password_stdin"] else _ask()
        try:
            user.set_password(password)
            user.full_clean(exclude=["password"])
            validate_password(password, user)
            with transaction.atomic():
                user.save()
                give_role(user, role)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except IntegrityError as error:
            raise CommandError(f"there is a user {options['username']!r} already: choose another name") from error
        admin = "may log in to the admin" if role in ROLES_WITH_ADMIN else "no access to the admin"
        self.stdout.write(f"made user {user.get_username()}: role {role}, {admin}")


def _read_line() -> str:
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise CommandError("standard input has no password: send it as one line")
    return password


def _ask() -> str:
    if not sys.stdin.isatty():
        raise CommandError("there is no terminal to ask for the password: send it with --password-stdin")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Password (again): "):
        raise CommandError("the two passwords differ: nothing was made")
    return password
