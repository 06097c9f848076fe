"""manage.py import_corporate_actions: announce corporate actions from a CSV file, all of it or nothing."""

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market.corporate_actions.announcing import InvalidAnnouncement, announce
from market.corporate_actions.csv_file import read_file
from market.instruments.changes import InvalidReason
from market.instruments.csv_file import UnusableFile
from tradingplatform.corporate_actions.office import latest_sheet


class Command(BaseCommand):
    help = "Announce corporate actions from a CSV file with a header; a wrong line is named, and nothing is announced."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV in UTF-8, whose columns are the fields of an action")
        parser.add_argument("--reason", default="", help="why, as it is recorded (default: the name of the file)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            actions = read_file(options["file"])
            announced = announce(
                list(actions.values()),
                session_date=latest_sheet().session_date,
                actor=f"command-line/{getpass.getuser()}",
                reason=options["reason"] or f"import of {options['file'].name}"[:100],
            )
        except InvalidAnnouncement as error:
            line = list(actions)[error.place]
            raise CommandError(f"line {line}, column {error.field}: {error}; nothing was announced") from error
        except (UnusableFile, InvalidReason) as error:
            raise CommandError(f"{error}; nothing was announced") from error
        self.stdout.write(f"{len(announced):,} announced")
