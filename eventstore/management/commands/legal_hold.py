"""manage.py legal_hold: place and release legal holds, and list those in force."""

import getpass
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore.archive.holds import hold_entries, holds, place_hold, release_hold
from eventstore.errors import EventStoreError
from eventstore.management.terminal import show_instant
from eventstore.store import get_existing_store


class Command(BaseCommand):
    help = (
        "Legal holds: while one is placed on an account, no batch with an event of it is removed from the store. "
        "Every decision stays on record; `list --all` shows them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("place", "release", "list"))
        parser.add_argument("--account", metavar="ID", help="the account")
        parser.add_argument("--reason", metavar="TEXT", help="why: the case, the order, who asked")
        parser.add_argument("--actor", default=None, metavar="NAME", help="who decides; the operating system's user")
        parser.add_argument("--all", action="store_true", help="list released holds as well")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "list":
                self._list(show_all=options["all"])
            else:
                self._decide(options)
        except EventStoreError as error:
            raise CommandError(str(error), returncode=1) from error

    def _decide(self, options: dict[str, Any]) -> None:
        if not options["account"] or not options["reason"]:
            raise CommandError(f"legal_hold {options['action']} needs --account ID and --reason TEXT")
        decide = place_hold if options["action"] == "place" else release_hold
        decide(
            get_existing_store().engine,
            aggregate_id=options["account"],
            reason=options["reason"],
            actor=options["actor"] or getpass.getuser(),
            at=time.time_ns() // 1_000,
        )
        done = "is under legal hold" if options["action"] == "place" else "is no longer under legal hold"
        self.stdout.write(self.style.SUCCESS(f"{options['account']} {done}"))

    def _list(self, *, show_all: bool) -> None:
        engine = get_existing_store().engine
        entries = hold_entries(engine) if show_all else list(holds(engine).values())
        for entry in entries:
            done = "placed" if entry.action == "place" else "released"
            self.stdout.write(f"{entry.aggregate_id}  {done} {show_instant(entry.at)} by {entry.actor}: {entry.reason}")
        if not entries:
            self.stdout.write("no account is under legal hold")
