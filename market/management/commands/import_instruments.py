"""manage.py import_instruments: add and change instruments from a CSV file, all of it or nothing."""

import getpass
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from market.instruments.changes import InvalidReason, MissingField, save_instruments
from market.instruments.csv_file import UnusableFile, read_file
from market.instruments.definition import InvalidInstrument
from market.models import ACTOR_LENGTH_MAX

PROGRESS_SECONDS: Final = 2.0


class Command(BaseCommand):
    help = "Add and change instruments from a CSV file with a header; a wrong line is named, and nothing is imported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path, help="CSV in UTF-8, whose columns are the fields of an instrument")
        parser.add_argument("--dry-run", action="store_true", help="check and count, and import nothing")
        parser.add_argument(
            "--actor", type=actor_argument, help="who does it, as it is recorded (default: who runs this)"
        )
        parser.add_argument("--reason", default="", help="why, as it is recorded (default: the name of the file)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many instruments are new, changed and unchanged."""
        try:
            changes = read_file(options["file"], say=self._progress("line {:,} ..."))
            saved = save_instruments(
                list(changes.values()),
                actor=options["actor"] or f"command-line/{getpass.getuser()}",
                reason=options["reason"] or f"import of {options['file'].name}"[:100],
                is_dry_run=options["dry_run"],
                say=self._progress("{:,} saved ..."),
            )
        except MissingField as error:
            line = next(line for line, change in changes.items() if change["symbol"] == error.symbol)
            raise CommandError(f"line {line}, column {error.field}: {error}; nothing was imported") from error
        except (UnusableFile, InvalidReason, InvalidInstrument) as error:
            raise CommandError(f"{error}; nothing was imported") from error
        done = "would be" if options["dry_run"] else "are"
        self.stdout.write(f"{saved.new:,} {done} new, {saved.changed:,} changed, {saved.unchanged:,} unchanged")

    def _progress(self, text: str) -> Callable[[int], None]:
        """Return what says every two seconds how far the work is."""
        latest = time.monotonic()

        def say(count: int) -> None:
            nonlocal latest
            if time.monotonic() - latest >= PROGRESS_SECONDS:
                latest = time.monotonic()
                self.stderr.write(text.format(count))

        return say


def actor_argument(text: str) -> str:
    """Return who does it, as it is recorded."""
    if not 1 <= len(text) <= ACTOR_LENGTH_MAX or not text.isprintable():
        raise ArgumentTypeError(f"an actor is 1 to {ACTOR_LENGTH_MAX} printable characters, found {text[:20]!r}")
    return text
