"""An auditor's day: a signed checkpoint, the proof of a trade that one file alone can check, a journal cut short."""

import json
import os
import subprocess
import sys

from eventstore.tests.sqlite_file import back_up, unprotected
from tests.services.platform import BASE_DIR


def check(path):
    return subprocess.run(
        [sys.executable, "-I", "-S", str(BASE_DIR / "scripts" / "verify_proof.py"), str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )


def test_a_trade_is_proven_to_somebody_who_has_only_the_proof(platform, api, tmp_path):
    account_id = api.open()
    version = api.buy(account_id)["version"]
    assert platform.manage("sign_checkpoint").returncode == 0
    path = tmp_path / "proof.json"
    done = platform.manage("prove_event", "--account", account_id, "--version", str(version), "--output", str(path))
    assert done.returncode == 0, done.stdout + done.stderr
    checked = check(path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert account_id in checked.stdout

    assert "TradeExecuted" in checked.stdout
    forged = path.read_text().replace(account_id, account_id[::-1])
    assert json.loads(forged) != json.loads(path.read_text())
    path.write_text(forged)
    assert check(path).returncode == 1


def test_a_journal_whose_newest_batches_were_removed_is_found_by_the_checkpoint(platform, api, tmp_path):
    api.open()
    assert platform.manage("sign_checkpoint").returncode == 0
    back_up(platform.data_dir / "events" / "journal.sqlite3", tmp_path / "journal.sqlite3")
    with unprotected(tmp_path / "journal.sqlite3") as copy:
        partition, seq = copy.execute("SELECT partition, max(seq) FROM journal GROUP BY partition").fetchone()
        copy.execute("DELETE FROM journal WHERE partition = ? AND seq = ?", (partition, seq))
    environment = platform.environment | {"EVENT_STORE_PATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "manage.py", "verify_events"],
        cwd=BASE_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert f"partition {partition}, seq {seq}" in found.stdout
