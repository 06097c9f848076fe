"""One bit flipped in the journal file of a real platform: `manage.py verify_events` says where."""

import os
import subprocess
import sys

from eventstore.tests.sqlite_file import back_up, empty_the_wal, sqlite_file
from tests.services.platform import BASE_DIR


def verify(data_dir, environment):
    return subprocess.run(
        [sys.executable, "manage.py", "verify_events"],
        cwd=BASE_DIR,
        env={**environment, "EVENT_STORE_PATH": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_flipped_bit_is_reported_with_partition_seq_account_and_version(platform, api, tmp_path):
    account_id = api.open()
    api.buy(account_id)
    back_up(platform.data_dir / "events" / "journal.sqlite3", tmp_path / "journal.sqlite3")
    sound = verify(tmp_path, platform.environment)
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "nothing was altered, nothing is missing" in sound.stdout
    with sqlite_file(tmp_path / "journal.sqlite3") as connection:
        rows = connection.execute(
            "SELECT partition, seq, payload FROM journal ORDER BY length(payload) DESC"
        ).fetchall()
    empty_the_wal(tmp_path / "journal.sqlite3")
    partition, seq, payload = rows[0]
    path = tmp_path / "journal.sqlite3"
    sound_bytes, place = path.read_bytes(), -1
    while True:  # SQLite leaves bytes of rows that it moved: what counts is the copy that is read.
        place = sound_bytes.find(payload[-200:], place + 1)
        assert place >= 0, "the payload is in the file"
        content = bytearray(sound_bytes)
        content[place + 100] ^= 0b0001_0000
        path.write_bytes(content)
        with sqlite_file(path) as connection:
            query = "SELECT payload FROM journal WHERE partition = ? AND seq = ?"
            if connection.execute(query, (partition, seq)).fetchone()[0] != payload:
                break
    for suffix in ("-wal", "-shm"):
        if os.path.exists(f"{path}{suffix}"):
            os.unlink(f"{path}{suffix}")
    damaged = verify(tmp_path, platform.environment)
    assert damaged.returncode == 1
    assert f"partition {partition}, seq {seq}, account " in damaged.stdout
    assert "version unknown" not in damaged.stdout
    assert "was flipped" in damaged.stdout
