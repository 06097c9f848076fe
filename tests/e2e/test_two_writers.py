"""Two processes that execute trades on the same account at the same time, each with a bus of its own."""

import json
import subprocess
import sys

from tests.chaos.target import read_store
from tests.e2e.client import open_sqlite_store
from tests.services.platform import BASE_DIR

PROGRAM = """
import json, sys, django
django.setup()
from accounts.writer.envelope import Envelope, Executed
from accounts.domain.commands import ExecuteTrade
from accounts.domain.values import SHARE
from tradingplatform.bootstrap import make_in_process_bus

name, account_id, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
bus = make_in_process_bus()
print("ready", flush=True)
sys.stdin.readline()
versions = []
number = 0
while number < count or (versions[-1] - versions[0] == number - 1 and number < 20 * count):
    # On until somebody else's trades lie between ours: the two are to run at the same time.
    trade = ExecuteTrade("KO", "BUY", SHARE, 10_000, None)
    (result,) = bus.submit([Envelope(account_id, f"{name}-{number}", name, trade)])
    assert isinstance(result, Executed), result
    versions.append(result.version)
    number += 1
print(json.dumps(versions))
"""


def test_two_processes_never_lose_or_double_a_trade_and_leave_no_gap(platform, api):
    account_id = api.open()
    environment = {**platform.environment, "DJANGO_SETTINGS_MODULE": "tradingplatform.settings"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, name, account_id, "100"],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right")
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    last = 2 + len(answers[0]) + len(answers[1])
    assert sorted(answers[0] + answers[1]) == list(range(3, last + 1)), "each version was acknowledged once"
    assert min(answers[1]) < max(answers[0]), "they did not run at the same time"
    assert min(answers[0]) < max(answers[1]), "they did not run at the same time"
    with open_sqlite_store(platform.data_dir) as store:
        commands, versions = read_store(store)
    assert versions[account_id] == list(range(1, last + 1))
    for name, acknowledged in zip(("left", "right"), answers, strict=True):
        assert all(len(commands[(account_id, f"{name}-{n}")]) == 1 for n in range(len(acknowledged)))
    portfolio = api.get(f"/api/accounts/{account_id}/portfolio", min_version=last)
    assert portfolio["positions"][0]["quantity"] == str(last - 2)
    assert api.buy(account_id, price="40")["version"] == last + 1, "the platform's own writer goes on from there"
