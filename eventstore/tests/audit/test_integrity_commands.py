"""The commands as people run them: sign, prove, verify, in processes of their own on a real file."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eventstore.engines.sqlite import SQLiteEngine
from eventstore.integrity.diagnosis import with_bit_flipped
from eventstore.tests.counter import CounterDecider, add, open_counters
from eventstore.tests.sqlite_file import sqlite_file, unprotected

BASE_DIR = Path(__file__).resolve().parents[3]
NAMES = [f"counter-{n}" for n in range(30)]
PARTITIONS = 16
INTERRUPTED_AFTER_SECONDS_MAX = 60

pytestmark = pytest.mark.skipif(
    not hasattr(SQLiteEngine, "append_document"), reason="the SQLite engine keeps no documents yet"
)


def write(folder, first, count):
    store = open_counters(SQLiteEngine(folder / "events"), partition_count=PARTITIONS)
    writer = store.writer(CounterDecider())
    for group in range(first, first + count):
        writer.execute([add(name, 1, f"{group}") for name in NAMES])
    store.close()


def arguments(*words):
    return [sys.executable, "manage.py", *words]


def environment(folder):
    return {**os.environ, "TRADING_DATA_DIR": str(folder), "EVENT_STORE_PATH": ""}


def manage(folder, *words):
    return subprocess.run(
        arguments(*words), cwd=BASE_DIR, env=environment(folder), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data folder with checkpoint 1 at 4 batches and checkpoint 2 at 10 batches of every partition."""
    folder = tmp_path_factory.mktemp("data")
    for first, count in ((0, 4), (4, 6)):
        write(folder, first, count)
        done = manage(folder, "sign_checkpoint", "--output", str(folder / f"checkpoint-{first}.json"))
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def data(made, tmp_path):
    """A copy to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "data"))


def tamper(folder, statement, *parameters):
    with unprotected(folder / "events" / "journal.sqlite3") as connection:
        connection.execute(statement, parameters)
        assert connection.changes() > 0


def test_a_sound_store_is_verified_with_its_checkpoints(data):
    done = manage(data, "verify_events", "--processes", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 events in" in done.stdout
    assert "and 2 signed checkpoints verified: nothing was altered, nothing is missing" in done.stdout
    assert stat.S_IMODE((data / "keys" / "checkpoint-signing.pem").stat().st_mode) == 0o600
    assert not (data / "verify-progress").exists()


def test_the_result_is_had_as_json(data):
    done = manage(data, "verify_events", "--json")
    result = json.loads(done.stdout)
    assert (result["sound"], result["events"], result["checkpoints"], result["findings"]) == (True, 300, 2, [])
    tamper(data, "DELETE FROM journal WHERE seq = 10 AND partition = (SELECT max(partition) FROM journal)")
    done = manage(data, "verify_events", "--json")
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["seq"] == 10
    assert "checkpoint 2 names seq 10" in finding["detail"]


def test_a_flipped_bit_and_an_altered_checkpoint_are_reported(data):
    with sqlite_file(data / "events" / "journal.sqlite3") as connection:
        partition, payload = connection.execute("SELECT partition, payload FROM journal WHERE seq = 3").fetchone()
    tamper(
        data, "UPDATE journal SET payload = ? WHERE partition = ? AND seq = 3", with_bit_flipped(payload, 40), partition
    )
    tamper(data, "UPDATE document SET body = CAST(replace(CAST(body AS TEXT), '\"seq\":4', '\"seq\":3') AS BLOB)")
    done = manage(data, "verify_events")
    assert done.returncode == 1
    assert f"partition {partition}, seq 3, account counter-" in done.stdout
    assert "checkpoint 1: the signature is not that of the statement: it was altered" in done.stdout


def test_a_kept_checkpoint_shows_that_the_newest_was_removed(data):
    kept = str(data / "checkpoint-4.json")
    assert manage(data, "verify_events", "--known-checkpoint", kept).returncode == 0
    tamper(data, "DELETE FROM journal WHERE seq > 4")
    tamper(data, "DELETE FROM document WHERE number = 2")
    assert manage(data, "verify_events").returncode == 0
    done = manage(data, "verify_events", "--known-checkpoint", kept)
    assert done.returncode == 1
    assert "checkpoint 2: missing: it was signed" in done.stdout


def test_checkpoints_without_a_key_to_check_them_are_not_passed_over(data, tmp_path):
    done = manage(data, "sign_checkpoint", "--public-key", str(tmp_path / "key.pem"))
    assert done.returncode == 0, done.stderr
    (data / "keys" / "checkpoint-signing.pem").unlink()
    done = manage(data, "verify_events")
    assert done.returncode == 2
    assert "give the public key with --public-key FILE" in done.stderr
    assert manage(data, "verify_events", "--public-key", str(tmp_path / "key.pem")).returncode == 0


@pytest.mark.parametrize("words", [["--processes", "0"], ["--partition", "16"], ["--unknown"], ["--public-key", "no"]])
def test_a_wrong_call_has_exit_code_2(made, words):
    assert manage(made, "verify_events", *words).returncode == 2


def test_exported_proofs_are_accepted_by_the_script_alone(made, tmp_path):
    event = manage(made, "prove_event", "--account", NAMES[3], "--version", "6", "--output", str(tmp_path / "event"))
    assert event.returncode == 0, event.stderr
    consistency = manage(made, "prove_consistency", "--from", "1", "--to", "2")
    assert consistency.returncode == 0, consistency.stderr
    (tmp_path / "consistency").write_text(consistency.stdout)
    shutil.copy(BASE_DIR / "scripts" / "verify_proof.py", tmp_path)
    for name in ("event", "consistency"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "verify_proof.py", name],
            cwd=tmp_path,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_proofs_that_cannot_be_made_say_why(made):
    done = manage(made, "prove_event", "--account", NAMES[3], "--version", "11")
    assert done.returncode == 1
    assert "has versions 1 to 10, found 11" in done.stderr
    done = manage(made, "prove_consistency", "--from", "2", "--to", "1")
    assert done.returncode == 1
    assert "is not older" in done.stderr
    for command in (
        ("prove_event", "--account", NAMES[3], "--version", "1"),
        ("prove_consistency", "--from", "1", "--to", "2"),
    ):
        done = manage(made, *command, "--output", "/nowhere/proof.json")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert "cannot write /nowhere/proof.json: No such file or directory" in done.stderr


STOPPING = """
import multiprocessing
import pathlib
import time
from eventstore.audit import verify

save = verify._save

def stopping(*arguments):
    save(*arguments)
    while not pathlib.Path(__file__).with_name("interrupted").exists():
        if not multiprocessing.parent_process().is_alive():
            break
        time.sleep(0.02)

verify._save = stopping
"""
"""What each process does before anything else: where it notes how far it has come it waits for the interrupt."""


def test_an_interrupted_run_says_how_to_go_on_and_goes_on(tmp_path):
    """Ctrl-C goes to every process of the terminal's group, as here."""
    folder = tmp_path / "data"
    write(folder, 0, 40)
    (tmp_path / "sitecustomize.py").write_text(STOPPING)
    running = subprocess.Popen(
        arguments("verify_events", "--processes", "2"),
        cwd=BASE_DIR,
        env={**environment(folder), "PYTHONPATH": f"{tmp_path}:{BASE_DIR}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + INTERRUPTED_AFTER_SECONDS_MAX
    while not list(folder.glob("verify-progress/*.msgpack")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(running.pid, signal.SIGINT)
    (tmp_path / "interrupted").touch()
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "`manage.py verify_events --resume` goes on from there" in errors
    assert "Traceback" not in errors
    done = manage(folder, "verify_events", "--resume")
    assert done.returncode == 0, done.stderr
    assert "1,200 events in" in done.stdout
    assert not (folder / "verify-progress").exists()
