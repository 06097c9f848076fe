"""manage.py prove_consistency: export the proof that one signed checkpoint continues another."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventstore.audit.proving import prove_consistency
from eventstore.errors import EventStoreError
from eventstore.management.terminal import write_proof
from eventstore.store import get_existing_store


class Command(BaseCommand):
    help = (
        "Export the proof that nothing recorded up to one checkpoint was changed by a later one. "
        "scripts/verify_proof.py checks it anywhere, without the platform."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", required=True, type=int, dest="old", metavar="N", help="the older checkpoint")
        parser.add_argument("--to", required=True, type=int, dest="new", metavar="M", help="the newer checkpoint")
        parser.add_argument("--output", type=Path, help="write the proof to this file instead of to the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            proof = prove_consistency(get_existing_store(), old_number=options["old"], new_number=options["new"])
        except (EventStoreError, ValueError) as error:
            raise CommandError(str(error)) from error
        what = f"proof from checkpoint {options['old']} to {options['new']}"
        write_proof(self, proof, options["output"], what=what)
