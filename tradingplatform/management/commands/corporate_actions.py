"""manage.py corporate_actions: list announced actions, see how far one is, apply or withdraw one by hand."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.domain.values import format_amount
from accounts.writer.bus.ports import get_bus
from eventstore.store import get_store
from market.corporate_actions.announcing import NotWithdrawable, UnknownCorporateAction, withdraw
from market.corporate_actions.definition import State, format_terms
from market.instruments.changes import InvalidReason
from market.models import CorporateAction
from tradingplatform.corporate_actions.applying import Applier, Waiting, obstacle_of, progress_of
from tradingplatform.corporate_actions.office import (
    AlreadyWorking,
    alone,
    due_actions,
    earlier_action,
    is_due,
    latest_sheet,
)

LISTED_MAX = 500


class Command(BaseCommand):
    help = "List corporate actions, see how far one is, apply or withdraw one by hand."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_subparsers(dest="what", required=True)
        what.add_parser("list", help="the newest actions and their states")
        for name, meaning in (
            ("status", "how far an action is, and which accounts refused it"),
            ("apply", "apply an action that is due, or go on with it"),
            ("withdraw", "withdraw an action that nobody has begun to apply"),
        ):
            one = what.add_parser(name, help=meaning)
            one.add_argument("id", type=int, help="its number in the list")
            if name == "withdraw":
                one.add_argument("--reason", required=True, help="why, as it is recorded")

    def handle(self, *args: Any, **options: Any) -> None:
        {"list": self._list, "status": self._status, "apply": self._apply, "withdraw": self._withdraw}[options["what"]](
            options
        )

    def _list(self, options: dict[str, Any]) -> None:
        for each in CorporateAction.objects.all()[:LISTED_MAX]:
            self.stdout.write(
                f"{each.pk:>6}  {each.effective_date}  {each.state:<9}  {each.symbol:<12}  {each.kind:<13}  "
                f"{format_terms(each)}"
            )

    def _status(self, options: dict[str, Any]) -> None:
        action = _action(options["id"])
        done = progress_of(action)
        self.stdout.write(f"{action}: {format_terms(action)}, {action.state}")
        self.stdout.write(f"{done.served:,} of {done.asked:,} holders served, {format_amount(done.cash_paid)} paid")
        if (obstacle := obstacle_of(action)) is not None:
            self.stdout.write(f"it cannot begin: {obstacle}")
        for code, count in done.failures.items():
            self.stdout.write(f"{count:,} not served: {code}")

    def _apply(self, options: dict[str, Any]) -> None:
        action = _action(options["id"])
        if action.state not in (State.ANNOUNCED, State.APPLYING, State.FAILED):
            raise CommandError(f"corporate action {action.pk} is {action.state}: there is nothing to apply")
        if action.state == State.ANNOUNCED and not is_due(action, latest_sheet()):
            raise CommandError(
                f"corporate action {action.pk} is for {action.effective_date}, which the market has not reached: it is "
                "applied by itself then"
            )
        applier = Applier(
            bus=get_bus(), store=get_store(), sheet=latest_sheet, say=lambda _, text: self.stderr.write(text)
        )
        try:
            with alone():
                action.refresh_from_db()
                if (earlier := earlier_action(action, due_actions(latest_sheet()))) is not None:
                    raise Waiting(f"it waits for corporate action {earlier}")
                applier.apply(action)
        except (Waiting, AlreadyWorking) as error:
            raise CommandError(f"{error}; run again to go on") from error
        self._status(options)

    def _withdraw(self, options: dict[str, Any]) -> None:
        try:
            action = withdraw(options["id"], actor=f"command-line/{getpass.getuser()}", reason=options["reason"])
        except (UnknownCorporateAction, NotWithdrawable, InvalidReason) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{action} is withdrawn")


def _action(number: int) -> CorporateAction:
    action = CorporateAction.objects.filter(pk=number).first()
    if action is None:
        raise CommandError(f"there is no corporate action {number}: `corporate_actions list` shows them")
    return action
