"""manage.py cancel_orders: the kill switch on the command line."""

from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from accounts.writer.bus.ports import get_bus
from identity.actors import platform_actor
from tradingplatform.kill_switch.cancelling import Cancelled
from tradingplatform.kill_switch.recorded import begin_run, run_recorded
from tradingplatform.kill_switch.scopes import (
    UnclearQuestion,
    UnknownUser,
    checked_reason,
    checked_scope,
    order_scope,
    whose_orders,
)

COMMAND_LINE: Final = platform_actor("command line")
_SCOPES: Final = {"account": "account_id", "user": "username", "symbol": "symbol", "everybody": "everybody"}
"""The scope of each option."""


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
        try:
            name, value = checked_scope({name: options[option] for option, name in _SCOPES.items()})
            reason = checked_reason(options["reason"])
            scope = order_scope(name, value)
        except (UnclearQuestion, UnknownUser) as error:
            raise CommandError(f"nothing was cancelled: {error}") from error
        whose = whose_orders(name, value)
        if not options["yes"] and input(f"Cancel every working order of {whose}? [y/N] ").strip().lower() != "y":
            raise CommandError("nothing was cancelled")
        run = begin_run(scope=scope, whose=whose, actor=COMMAND_LINE, reason=reason)
        done = run_recorded(run, get_bus(), scope=scope, progress=self._say)
        self.stdout.write(f"{done.cancelled:,} cancelled, {done.ended_before:,} had ended before")
        problems = _problems(done)
        if problems:
            raise CommandError("\n".join(problems))

    def _say(self, asked: int) -> None:
        self.stderr.write(f"{asked:,} orders asked for")


def _problems(done: Cancelled) -> list[str]:
    found = [f"{count:,} orders not cancelled: {code}" for code, count in sorted(done.failures.items())]
    if done.is_behind:
        found.append(
            "the projections are behind the journal, so orders may work that were not found: see projection_status, "
            "and run again"
        )
    elif not done.is_complete and not found:
        found.append("the time was over before all was gone: halt the symbol or freeze the account, and run again")
    return found
