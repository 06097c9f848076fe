"""manage.py frontend_types: write what the APIs show as types of the front end."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tradingplatform.typescript import typescript


class Command(BaseCommand):
    """Write the types."""

    help = "Write what the APIs show as TypeScript; `make schema` does, after a shape has changed."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        file = settings.BASE_DIR / "frontend" / "src" / "core" / "shapes.ts"
        parser.add_argument("--out", type=Path, default=file, help="the file to write (default: the front end's)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file."""
        options["out"].write_text(typescript())
        self.stdout.write(f"wrote {options['out']}")
