"""The published Avro schemas are those that the archive writes with."""

import fastavro
import msgspec
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.codec import account_codec
from accounts.management.commands import export_event_schemas
from accounts.management.commands.export_event_schemas import AVRO_PATH, schema_files


def test_the_committed_schemas_are_the_ones_in_use():
    committed = {path.name: path.read_text() for path in AVRO_PATH.iterdir()}
    assert committed == schema_files(), "run `manage.py export_event_schemas` and look at the difference"
    assert len(committed) == len(account_codec().event_types) + 1


def test_every_schema_is_valid_avro():
    for text in schema_files().values():
        fastavro.parse_schema(msgspec.json.decode(text))


def test_drift_is_found_and_exporting_ends_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(export_event_schemas, "AVRO_PATH", tmp_path)
    call_command("export_event_schemas")
    call_command("export_event_schemas", "--check")
    (tmp_path / "AccountFrozen_v1.avsc").write_text("{}")
    (tmp_path / "Gone_v1.avsc").write_text("{}")
    with pytest.raises(
        CommandError, match=r"AccountFrozen_v1\.avsc, Gone_v1\.avsc: run `manage\.py export_event_schemas`"
    ):
        call_command("export_event_schemas", "--check")
    call_command("export_event_schemas")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == schema_files()
