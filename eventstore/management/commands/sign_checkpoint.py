"""manage.py sign_checkpoint: sign what the whole journal is now."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from eventstore.audit.checkpointing import make_checkpoint
from eventstore.audit.signing_keys import former_public_keys, public_pem, signing_key
from eventstore.errors import EventStoreError
from eventstore.integrity.proofs import exported
from eventstore.store import get_existing_store


class Command(BaseCommand):
    help = (
        "Sign a checkpoint: the head of every partition and the root of the tree over its batches. Beat does so every "
        "CHECKPOINT_INTERVAL_SECONDS when there is something new; this makes one now."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", type=Path, help="also write the checkpoint to this file, to be kept elsewhere")
        parser.add_argument("--public-key", type=Path, help="also write the public key to this file, for auditors")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.EVENT_STORE_SIGNING_KEY
        try:
            key = signing_key(path)
            made = make_checkpoint(
                get_existing_store(), key=key, former_keys=former_public_keys(path), now=time.time_ns() // 1_000
            )
        except EventStoreError as error:
            raise CommandError(str(error)) from error
        assert made is not None
        if options["output"]:
            options["output"].write_bytes(msgspec.json.format(msgspec.json.encode(exported(made))) + b"\n")
        if options["public_key"]:
            options["public_key"].write_bytes(public_pem(key))
        batches = sum(head.seq for head in made.statement.partitions)
        self.stdout.write(
            f"checkpoint {made.statement.number}: {batches:,} batches of {len(made.statement.partitions)} partitions, "
            f"signed with key {made.statement.key_id}"
        )
