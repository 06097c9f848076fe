"""manage.py cancel_orders: the kill switch on the command line."""

from argparse import ArgumentParser
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from accounts.writer.bus.ports import get_bus
from identity.actors import platform_actor, user_reference
from readmodels.queries.queries import OrderScope
from tradingplatform.kill_switch.cancelling import cancel_working_orders

COMMAND_LINE: Final = platform_actor("command line")


class Command(BaseCommand):
    help = "Cancel every working order of an account, of a user, of a symbol, or of the firm. Asks first."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--account", metavar="ID", help="those of one account")
        whose.add_argument("--user", metavar="NAME", help="those of every account that a user owns")
        whose.add_argument("--symbol", help="those of one instrument")
        whose.add_argument("--everybody", action="store_true", help="all of the firm")
        parser.add_argument("--reason", required=True, help="recorded with the end of each order")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        scope, whose = _scope(options)
        if not options["yes"] and input(f"Cancel every working order of {whose}? [y/N] ").strip().lower() != "y":
            raise CommandError("nothing was cancelled")
        done = cancel_working_orders(
            get_bus(), scope=scope, actor=COMMAND_LINE, reason=options["reason"], progress=self._say
        )
        self.stdout.write(f"{done.cancelled:,} cancelled, {done.ended_before:,} had ended before")
        problems = [f"{count:,} orders not cancelled: {code}" for code, count in sorted(done.failures.items())]
        if not done.is_complete:
            problems.append("orders were still coming at the end: halt the symbol or freeze the account, and run again")
        if problems:
            raise CommandError("\n".join(problems))

    def _say(self, asked: int) -> None:
        self.stderr.write(f"{asked:,} orders asked for")


def _scope(options: dict[str, Any]) -> tuple[OrderScope, str]:
    if options["account"]:
        return OrderScope(account_id=options["account"]), f"account {options['account']}"
    if options["symbol"]:
        return OrderScope(symbol=options["symbol"]), options["symbol"]
    if options["user"]:
        user = get_user_model().objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no user {options['user']!r}")
        return OrderScope(owner=user_reference(user.pk)), f"every account of {options['user']}"
    return OrderScope(), "the whole firm"
