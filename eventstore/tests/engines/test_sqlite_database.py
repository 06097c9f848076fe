"""The SQLite file: which SQLite it is, what is said when something is in the way, and what crosses a fork."""

import os
import resource
import shutil
import signal
import tempfile
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from eventstore.engines.sqlite import SQLiteEngine, engine
from eventstore.engines.sqlite.database import WAL_PAGES_MAX, sqlite_version, wal_reset_fault
from eventstore.errors import ConfigurationMismatch, StoreUnavailable
from eventstore.tests.sqlite_file import sqlite_file
from eventstore.tests.test_engines import METADATA, batch

NOBODY = 65_534


def as_nobody(action):
    """Run in a process of a user without rights; return what it says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            text = repr(action())
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def folder():
    """A folder that every user may enter, which pytest's own are not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.mark.parametrize("version", ["3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.2", "3.7.0"])
def test_a_release_with_the_fault_says_what_is_needed(version):
    assert "needed is 3.51.3 or later" in wal_reset_fault(version)
    assert version in wal_reset_fault(version)


@pytest.mark.parametrize("version", ["3.44.6", "3.50.7", "3.51.3", "3.53.0", "3.54.1", "4.0.0"])
def test_a_release_without_the_fault_says_nothing(version):
    assert wal_reset_fault(version) is None


def test_the_sqlite_that_is_used_has_no_fault():
    assert wal_reset_fault(sqlite_version()) is None


def test_a_sqlite_with_the_fault_is_warned_of_at_start(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(engine, "sqlite_version", lambda: "3.40.1")
    SQLiteEngine(tmp_path).open(METADATA)
    assert "SQLite 3.40.1 can damage a journal" in caplog.text


def test_a_transaction_is_on_disk_when_it_ends(tmp_path):
    opened = SQLiteEngine(tmp_path)
    opened.open(METADATA)
    connection = opened._journal.connection()
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2, "FULL"


class TestWhatIsInTheWay:
    @pytest.fixture
    def opened(self, folder):
        opened = SQLiteEngine(folder / "store")
        opened.open(METADATA)
        opened.append([batch(0, 1)])
        yield opened
        opened.close()

    def test_a_lock_that_another_connection_keeps_is_named(self, opened, monkeypatch):
        opened._journal.connection().set_busy_timeout(1)
        with sqlite_file(opened.path) as other:
            other.execute("UPDATE metadata SET format = format WHERE 0")  # Takes the write lock.
            with pytest.raises(StoreUnavailable, match="was kept locked"):
                opened.append([batch(0, 2)])
        assert opened.append([batch(0, 2)]) == [None]

    def test_a_disk_without_room_is_named(self, opened):
        """A limit on the size of files is the nearest to a full disk that a test can have alone."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        size = opened.path.with_name("journal.sqlite3-wal").stat().st_size
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(StoreUnavailable, match=r"cannot be read or written .*File too large|is full"):
                opened.append([batch(0, 2)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert opened.append([batch(0, 2)]) == [None]

    def test_a_folder_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(ConfigurationMismatch, match=r"no event store in .*nowhere: check EVENT_STORE_PATH"):
            SQLiteEngine(tmp_path / "nowhere").check_exists()

    @needs_root
    def test_a_folder_that_may_not_be_entered_is_named(self, opened, folder):
        (folder / "store").chmod(0o700)
        said = as_nobody(lambda: SQLiteEngine(folder / "store").open(METADATA))
        assert "may not be entered by this user (uid 65534)" in said

    @needs_root
    def test_a_folder_that_may_not_be_written_is_named(self, folder):
        folder.chmod(0o755)
        said = as_nobody(lambda: SQLiteEngine(folder).open(METADATA))
        assert "journal.sqlite3 is not there and the folder may not be written by this user (uid 65534)" in said

    @needs_root
    def test_a_file_that_may_not_be_read_is_named(self, opened, folder):
        opened.path.chmod(0o600)
        said = as_nobody(lambda: SQLiteEngine(folder / "store").open(METADATA))
        assert "journal.sqlite3 may not be read by this user (uid 65534)" in said


def test_a_connection_that_takes_the_file_for_damaged_is_not_believed_alone(tmp_path):
    class Mistaken:
        def execute(self, *_):
            raise apsw.CorruptError("database disk image is malformed")

        def close(self, force):
            opened._journal._local.connection = None

    opened = SQLiteEngine(tmp_path)
    opened.open(METADATA)
    opened.append([batch(0, 1)])
    for look in (opened.heads, lambda: opened.documents(kind="kind"), lambda: opened.seek(partition=0, timestamp=99)):
        expected = look()
        opened._journal._local.connection = Mistaken()
        assert look() == expected


def test_a_forked_process_has_connections_of_its_own(tmp_path):
    opened = SQLiteEngine(tmp_path)
    opened.open(METADATA)
    opened.append([batch(0, 1)])
    child = os.fork()
    if child == 0:
        os._exit(0 if opened.append([batch(0, 2)]) == [None] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert opened.append([batch(0, 3)]) == [None]
    assert opened.heads() == {0: 3}


def test_a_writer_gives_the_wal_its_full_length_once_and_appends_do_not_lengthen_it(tmp_path):
    opened = SQLiteEngine(tmp_path)
    opened.open(METADATA)
    wal = tmp_path / "journal.sqlite3-wal"
    full = WAL_PAGES_MAX * 4_096
    opened.append([batch(0, 1)])
    assert wal.stat().st_size < full
    opened.expect_appends()
    lengthened = wal.stat()
    assert lengthened.st_size >= full
    assert (tmp_path / "journal.sqlite3").stat().st_size < full
    opened.expect_appends()
    assert wal.stat().st_mtime_ns == lengthened.st_mtime_ns
    for seq in range(2, 12):
        assert opened.append([batch(0, seq)]) == [None]
    assert wal.stat().st_size == lengthened.st_size
    another = SQLiteEngine(tmp_path)
    assert [each.seq for each in another.read(partition=0, after_seq=0, limit=20)] == list(range(1, 12))
    another.close()
    opened.close()


def test_a_store_whose_wal_cannot_be_lengthened_works_on_without(tmp_path, monkeypatch):
    opened = SQLiteEngine(tmp_path)
    opened.open(METADATA)

    def fail():
        raise apsw.FullError("no room")

    monkeypatch.setattr(opened._journal, "lengthen_wal", fail)
    with capture_logs() as lines:
        opened.expect_appends()
    assert [line["event"] for line in lines] == ["eventstore.wal_not_lengthened"]
    assert opened.append([batch(0, 1)]) == [None]
    opened.close()
