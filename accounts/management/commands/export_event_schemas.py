"""manage.py export_event_schemas: write the Avro schemas that the archive uses to accounts/avro, to be committed."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

import msgspec
from django.core.management.base import BaseCommand, CommandError

from accounts.codec import account_codec
from eventstore.archive.avro import batch_schema, event_schema

AVRO_PATH: Final = Path(__file__).resolve().parent.parent.parent / "avro"


class Command(BaseCommand):
    help = "Write the Avro schemas of the archive and of every stored event type to accounts/avro."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; exit 1 when a file is not as it should be"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        expected = schema_files()
        found = {path.name: path.read_text() for path in AVRO_PATH.glob("*.avsc")}
        different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
        if options["check"]:
            if different:
                raise CommandError(
                    f"{', '.join(different)}: run `manage.py export_event_schemas` and commit", returncode=1
                )
            self.stdout.write(f"{len(found)} schemas are as they should be")
            return
        AVRO_PATH.mkdir(exist_ok=True)
        for name in different:
            if name in expected:
                (AVRO_PATH / name).write_text(expected[name])
            else:
                (AVRO_PATH / name).unlink()
        self.stdout.write(f"{len(expected)} schemas, {len(different)} written anew")


def schema_files() -> dict[str, str]:
    """Return the text of every schema file, by file name."""
    types = list(account_codec().event_types.values())
    schemas = [event_schema(event_type) for event_type in types]
    named = {f"{schema['name']}.avsc": schema for schema in schemas}
    return {name: _text(schema) for name, schema in (named | {"Batch.avsc": batch_schema(types)}).items()}


def _text(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"
