"""Every command that only reads, on an auditor's copy that is mounted read-only: it says what it says elsewhere."""

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from accounts.codec import account_codec
from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.audit.checkpointing import make_checkpoint
from eventstore.audit.signing_keys import signing_key
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.record import microseconds
from eventstore.store import EventStore
from eventstore.writer.request import Request

BASE_DIR = Path(__file__).resolve().parents[2]
ADA = "0b5c1f3e-0000-4000-8000-00000000000a"
NOON = microseconds(datetime.fromisoformat("2026-01-05T12:00:00Z"))
COMMANDS = [
    ["verify_events"],
    ["verify_events", "--processes", "2"],
    ["prove_event", "--account", ADA, "--version", "5"],
    ["prove_consistency", "--from", "1", "--to", "2"],
    ["account_as_of", ADA, "--at-version", "6", "--json"],
    ["account_diff", ADA, "--from-version", "3", "--to-version", "12", "--json"],
    ["firm_as_of", "--at", "2026-02-01T00:00:00Z"],
    ["performance", ADA, "--json"],
    ["what_if", ADA, "--max-trade-value", "50"],
    ["replay", "--check", "--json", "--processes", "1"],
    ["replay", ADA, "--check", "--json", "--processes", "1"],
    ["rebuild_pages", "--check"],
    ["archive_events", "--before", "2020-01-01", "--dry-run"],
    ["legal_hold", "list", "--all"],
]
RUN_ALL = """
import io, json, re, sys
import django
django.setup()
from django.core.management import call_command
said = []
if __name__ == "__main__":
    for words in json.loads(sys.argv[1]):
        out = io.StringIO()
        try:
            call_command(*words, stdout=out)
        except (Exception, SystemExit) as error:
            out.write(f"{type(error).__name__}: {error}")
        said.append(re.sub(r'"seconds": [0-9.]+', "", out.getvalue()))
    print(json.dumps(said))
"""
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def run(folder, script, commands, *, before=()):
    environment = {**os.environ, "TRADING_DATA_DIR": str(folder), "EVENT_STORE_PATH": "", "COLUMNS": "200"}
    done = subprocess.run(
        [*before, sys.executable, str(script), json.dumps(commands)],
        cwd=BASE_DIR,
        env={**environment, "PYTHONPATH": str(BASE_DIR), "DJANGO_SETTINGS_MODULE": "tradingplatform.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "run_all.py"
    path.write_text(RUN_ALL)
    return path


@pytest.fixture
def folder(tmp_path):
    """A data folder with accounts, pages, a tail in the WAL and two checkpoints, copied while the store was open."""
    written = tmp_path / "written"
    store = EventStore.open(SQLiteEngine(written / "events"), codec=account_codec(), partition_count=16)
    writer = store.writer(AccountDecider(), clock=lambda: NOON)
    key = signing_key(written / "keys" / "checkpoint-signing.pem")
    limits = ChangeRiskLimits(10_000, 10**15, 10**14)
    commands = [OpenAccount("ada", "Savings", "USD"), limits, DepositCash(10**9, "first")]
    commands += [ExecuteTrade("KO", "BUY", SHARE, 400_000 + n, None) for n in range(12)]
    for number, command in enumerate(commands):
        (outcome,) = writer.execute([Request(ADA, f"c-{number}", "ada", command)])
        if number in (5, 9):
            partition = store.partition_of(ADA)
            store.snapshotter(AccountDecider()).write(partition=partition, through_seq=outcome.version)
            make_checkpoint(store, key=key, now=NOON)
    copy = Path(shutil.copytree(written, tmp_path / "copy"))
    assert (copy / "events" / "journal.sqlite3-wal").stat().st_size > 0
    store.close()
    return copy


def test_every_reading_command_says_on_a_read_only_mount_what_it_says_elsewhere(folder, script, tmp_path):
    writable = Path(shutil.copytree(folder, tmp_path / "writable"))
    before = ("unshare", "-m", "sh", "-c", READ_ONLY, str(folder))
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    files = sorted(folder.rglob("*"))
    expected = run(writable, script, COMMANDS)
    found = run(folder, script, COMMANDS, before=before)
    for words, here, there in zip(COMMANDS, found, expected, strict=True):
        assert "Error" not in there, (words, there)
        assert here == there, words
    assert "nothing was altered, nothing is missing" in found[0]
    assert sorted(folder.rglob("*")) == files


def test_a_store_that_is_not_there_is_not_made_by_a_command_that_reads(script, tmp_path):
    (tmp_path / "empty").mkdir()
    for words, said in zip(COMMANDS, run(tmp_path / "empty", script, COMMANDS), strict=True):
        assert said.startswith("CommandError: there is no event store in"), (words, said)
    assert not (tmp_path / "empty" / "events").exists()
