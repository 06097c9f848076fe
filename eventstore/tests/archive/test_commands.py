"""The commands, each as an operator calls it."""

import io
import os

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from eventstore.archive.provider import ArchiveSetup, set_archive_setup
from eventstore.engines.memory import MemoryEngine
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import set_store_factory
from eventstore.tests.archive.scenario import everything, findings
from eventstore.tests.archive.test_archiver import HELD, HELD_PARTITION, alter
from eventstore.tests.counter import open_counters
from tradingplatform.bootstrap import wire


@pytest.fixture
def imported():
    return MemoryEngine()


@pytest.fixture
def setup(scenario, imported):
    """Return a function that says what the archive is made of, with another retention in days."""
    set_store_factory(scenario.open_wrapped)

    def configure(retention_days=10):
        set_archive_setup(
            ArchiveSetup(
                make_storage=lambda: scenario.storage,
                make_signer=lambda: scenario.signer,
                verify=scenario.verify,
                retention_days=retention_days,
                make_engine=lambda: imported,
                make_local_engine=SQLiteEngine,
                make_codec=lambda: scenario.codec,
            )
        )

    configure()
    yield configure
    wire()


@pytest.fixture
def run(setup):
    def call(*arguments):
        out = io.StringIO()
        call_command(*map(str, arguments), stdout=out, no_color=True)
        return out.getvalue()

    return call


def test_archiving_says_what_it_did_and_the_store_verifies(run, scenario):
    before = everything(scenario.bare)
    said = run("archive_events", "--before", "1970-01-16")
    assert "events before 1970-01-16 00:00 UTC, retention 10 days" in said
    assert "archived 71 events in 28 batches to 2 files" in said
    assert "removed 28 batches from the store" in said
    assert scenario.stored_seqs(0) == list(range(15, 21))
    assert everything(scenario.wrapped()) == before
    assert findings(scenario.open_wrapped()) == []
    assert "nothing to archive, nothing to remove" in run("archive_events", "--before", "1970-01-16")


def test_keeping_removes_nothing_and_a_dry_run_does_nothing(run, scenario):
    said = run("archive_events", "--before", "1970-01-16", "--dry-run")
    assert "would archive 71 events in 28 batches to 2 files" in said
    assert scenario.storage.names() == []
    assert "nothing was removed (--keep)" in run("archive_events", "--before", "1970-01-16", "--keep")
    assert len(scenario.storage.names()) == 4
    assert "would remove 28 batches that are archived already" in run(
        "archive_events", "--before", "1970-01-16", "--dry-run"
    )
    assert scenario.stored_seqs(0) == list(range(1, 21))


def test_what_is_younger_than_the_retention_stays_and_it_is_said_until_when(run, scenario, setup):
    setup(retention_days=100_000)
    said = run("archive_events", "--before", "1970-01-16")
    assert "28 archived batches are younger than the retention and stay, the last of them until 2243-10-31" in said
    assert scenario.stored_seqs(0) == list(range(1, 21))


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("2500-01-01", "--before 2500-01-01 00:00 UTC is in the future"),
        ("yesterday", "'yesterday' is not an instant"),
    ],
)
def test_an_instant_that_is_none_or_has_not_passed_is_refused(run, scenario, before, message):
    with pytest.raises(CommandError, match=message):
        run("archive_events", "--before", before)
    assert scenario.storage.names() == []


def test_an_instant_with_a_time_zone_is_that_instant(run):
    assert "events before 1970-01-16 12:30:00 UTC" in run("archive_events", "--before", "1970-01-16T13:30:00+01:00")


def test_damage_ends_archiving_with_its_place(run, scenario):
    run("archive_events", "--before", "1970-01-16", "--keep")
    alter(scenario, scenario.storage.names()[0])
    with pytest.raises(CommandError, match=r"partition 0, seq 1: archive file .* is not what its manifest") as caught:
        run("archive_events", "--before", "1970-01-16")
    assert caught.value.returncode == 1
    assert scenario.stored_seqs(0) == list(range(1, 21))


def test_holds_are_placed_listed_and_released_and_keep_their_batches(run, scenario):
    assert "no account is under legal hold" in run("legal_hold", "list")
    assert f"{HELD} is under legal hold" in run(
        "legal_hold", "place", "--account", HELD, "--reason", "case 7", "--actor", "officer"
    )
    assert "by officer: case 7" in run("legal_hold", "list")
    assert "1 batches stay under legal hold" in run("archive_events", "--before", "1970-01-16")
    assert scenario.stored_seqs(HELD_PARTITION)[0] == 3
    run("legal_hold", "release", "--account", HELD, "--reason", "closed", "--actor", "judge")
    assert "no account is under legal hold" in run("legal_hold", "list")
    assert len(run("legal_hold", "list", "--all").splitlines()) == 2
    run("archive_events", "--before", "1970-01-16")
    assert scenario.stored_seqs(HELD_PARTITION)[0] == 15


def test_a_hold_without_an_account_or_a_reason_is_refused(run, scenario):
    for arguments in (["--account", "a"], ["--reason", "case 7"]):
        with pytest.raises(CommandError, match="needs --account ID and --reason TEXT"):
            run("legal_hold", "place", *arguments)
    assert scenario.bare.documents(kind="hold") == []


def test_an_import_makes_the_store_anew_holds_included(run, scenario, imported):
    run("legal_hold", "place", "--account", HELD, "--reason", "case 7")
    run("archive_events", "--before", "2020-01-01")
    whole = everything(scenario.wrapped())
    said = run("import_archive", scenario.storage.folder)
    assert "imported 101 events in 40 batches of 2 partitions from 2 files, each verified" in said
    assert everything(imported) == whole
    assert imported.documents(kind="hold") == scenario.bare.documents(kind="hold")
    store = open_counters(imported, partition_count=2)
    assert (store.metadata, findings(store)) == (scenario.store.metadata, [])
    with pytest.raises(CommandError, match=r"not empty(.|\n)*Nothing was imported"):
        run("import_archive", scenario.storage.folder)


def test_an_import_that_fails_says_what_was_imported_and_to_discard_it(run, scenario):
    scenario.archive(15)
    alter(scenario, scenario.storage.names()[2])
    with pytest.raises(CommandError) as caught:
        run("import_archive", scenario.storage.folder)
    assert "partition 0, seq 4" in str(caught.value)
    assert "in 6 batches were imported before that: the store is not complete, discard it" in str(caught.value)
    assert caught.value.returncode == 1


def test_an_import_needs_a_folder_with_an_archive(run, tmp_path):
    with pytest.raises(CommandError, match="is not a folder"):
        run("import_archive", tmp_path / "nothing")
    with pytest.raises(CommandError, match="no manifest is there"):
        run("import_archive", tmp_path)


def test_a_restore_is_a_store_of_its_own(run, scenario, tmp_path):
    run("archive_events", "--before", "1970-01-16")
    whole = everything(scenario.wrapped())
    target = tmp_path / "restored"
    said = run("restore_events", "--to", "1970-01-19T12:00:00", "--target", target)
    assert "restored 91 events in 36 batches up to 1970-01-19 12:00:00 UTC" in said
    assert "nothing was left out" in said
    assert f"EVENT_STORE_PATH={target}" in said
    engine = SQLiteEngine(target)
    store = open_counters(engine, partition_count=2)
    assert everything(engine) == [batch for batch in whole if batch.seq <= 18]
    assert findings(store) == []
    engine.close()
    before = {name: os.stat(target / name).st_size for name in os.listdir(target)}
    with pytest.raises(CommandError, match="is not empty"):
        run("restore_events", "--to", "1970-01-19", "--target", target)
    assert {name: os.stat(target / name).st_size for name in os.listdir(target)} == before


def test_a_restore_to_the_future_is_refused(run, tmp_path):
    with pytest.raises(CommandError, match="is in the future"):
        run("restore_events", "--to", "2500-01-01", "--target", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
