"""manage.py prepare: everything that has to be done before the platform's processes are started, in one process."""

from argparse import ArgumentParser
from io import StringIO
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

COMMANDS: Final = {
    "create_event_tables": "make the event tables",
    "migrate": "migrate the read models",
    "collectstatic": "collect static files",
    "load_demo": "load the demo",
}
"""The commands that it runs, in order, and what each does."""


class Command(BaseCommand):
    requires_system_checks = []
    help = "Make tables, migrate, collect static files and load the demo: what `make run` does before it starts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--web-url", default="http://127.0.0.1:8000", help="where the demo traders find the API")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run each command, saying which; what they print is shown only when one fails."""
        arguments = {"load_demo": ["--web-url", options["web_url"]]}
        for name, action in COMMANDS.items():
            if name == "create_event_tables" and settings.EVENT_STORE != "dynamodb":
                continue
            self.stdout.write(action)
            self.stdout.flush()
            is_interactive = {"interactive": False} if name in ("migrate", "collectstatic") else {}
            call_command(name, *arguments.get(name, []), stdout=StringIO(), verbosity=0, **is_interactive)
