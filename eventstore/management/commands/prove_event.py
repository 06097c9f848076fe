"""manage.py prove_event: export the proof that one event is in the journal, unchanged."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore.audit.proving import prove_event
from eventstore.errors import EventStoreError
from eventstore.management.terminal import write_proof
from eventstore.store import get_existing_store


class Command(BaseCommand):
    help = (
        "Export the proof that an event of an account was recorded as it is shown, up to a signed checkpoint. "
        "scripts/verify_proof.py checks it anywhere, without the platform."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", required=True, metavar="ID", help="the account's id")
        parser.add_argument("--version", required=True, type=int, dest="event_version", help="which of its events")
        parser.add_argument("--checkpoint", type=int, help="prove up to this checkpoint instead of the first that can")
        parser.add_argument("--output", type=Path, help="write the proof to this file instead of to the terminal")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Make room for our `--version`: Django's own prints Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            proof = prove_event(
                get_existing_store(),
                aggregate_id=options["account"],
                version=options["event_version"],
                checkpoint_number=options["checkpoint"],
            )
        except (EventStoreError, ValueError) as error:
            raise CommandError(str(error)) from error
        what = f"proof of {options['account']}, version {options['event_version']}"
        write_proof(self, proof, options["output"], what=what)
