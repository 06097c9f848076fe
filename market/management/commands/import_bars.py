"""manage.py import_bars: bars from a CSV or Parquet file, all of it or nothing."""

import getpass
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from market.bars.definition import DAY, SPANS
from market.bars.files import UnusableFile
from market.bars.importing import import_bars
from market.instruments.changes import InvalidReason
from market.instruments.definition import InstrumentDefinition
from market.management.commands.import_instruments import actor_argument
from market.models import Instrument

PROGRESS_SECONDS: Final = 2.0


class Command(BaseCommand):
    help = "Import bars from a CSV or Parquet file; a wrong line is named, and nothing is imported."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path, help="CSV in UTF-8 with a header, or Parquet (.parquet)")
        parser.add_argument("--span", choices=list(SPANS), default=DAY.name, help="how long the bars are (default: 1d)")
        parser.add_argument("--replace", action="store_true", help="put them in the place of those that there are")
        parser.add_argument("--actor", type=actor_argument, help="who does it, as recorded (default: who runs this)")
        parser.add_argument("--reason", default="", help="why, as it is recorded (default: the name of the file)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many bars there were."""
        names = [field.name for field in fields(InstrumentDefinition)]
        instruments = {row[0]: InstrumentDefinition(*row) for row in Instrument.objects.values_list(*names)}
        try:
            imported = import_bars(
                options["file"],
                span=SPANS[options["span"]],
                instruments=instruments,
                is_replacing=options["replace"],
                actor=options["actor"] or f"command-line/{getpass.getuser()}",
                reason=options["reason"] or f"import of {options['file'].name}"[:100],
                now=datetime.now(UTC),
                say=self._progress(),
            )
        except (UnusableFile, InvalidReason) as error:
            raise CommandError(f"{error}; nothing was imported") from error
        self.stdout.write(
            f"{imported.bars:,} bars of {imported.symbols:,} symbols imported, {imported.replaced:,} of them replaced "
            "others"
        )

    def _progress(self) -> Callable[[str, int], None]:
        """Return what says every two seconds how far the work is."""
        latest = time.monotonic()

        def say(what: str, count: int) -> None:
            nonlocal latest
            if time.monotonic() - latest >= PROGRESS_SECONDS:
                latest = time.monotonic()
                self.stderr.write(f"{what} {count:,} ...")

        return say
