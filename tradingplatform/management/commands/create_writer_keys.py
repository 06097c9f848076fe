"""manage.py create_writer_keys: make the keys that encrypt commands between machines."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.writer.bus.keys import create_keys


class Command(BaseCommand):
    help = "Make the CURVE keys of writers and of those who send them commands, in a new folder."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            create_keys(folder)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"writers need     {folder}/writer.key_secret and {folder}/callers/\n"
            f"callers need     {folder}/caller.key_secret and {folder}/writer.key\n"
            "both are found with WRITER_KEYS=<folder>; keep the secrets secret"
        )
