"""manage.py run_demo_traders: the process in which the demo accounts trade through the public API."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tradingplatform.demo.demo_accounts import FILE_NAME, UnusableDemoFile
from tradingplatform.demo.traders import run_demo_traders
from tradingplatform.signals import run_until_signalled


class Command(BaseCommand):
    help = "Let the demo accounts trade through the public GraphQL API, until SIGTERM or SIGINT."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", help="address of the web server (default: DEMO_WEB_URL, else the one in demo.json)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run_until_signalled(
                lambda: run_demo_traders(
                    demo_path=Path(settings.DATA_DIR) / FILE_NAME,
                    web_url=options["url"] or settings.DEMO_WEB_URL or None,
                )
            )
        except UnusableDemoFile as error:
            raise CommandError(str(error)) from error
