import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time

from tradingplatform.demo.tests.fake_platform import ACCOUNT_ID
from tradingplatform.demo.traders import run_demo_traders


def demo_file(path, *, web_url):
    account = {"account_id": ACCOUNT_ID, "name": "Ada", "strategy": "rebalancer", "api_key": "key"}
    path.write_text(json.dumps({"web_url": web_url, "accounts": [account]}))


def test_it_waits_for_the_file_and_for_the_server(tmp_path):
    async def scenario():
        work = asyncio.create_task(run_demo_traders(demo_path=tmp_path / "demo.json", web_url=None))
        await asyncio.sleep(0.2)
        assert not work.done()
        demo_file(tmp_path / "demo.json", web_url="http://127.0.0.1:1")
        await asyncio.sleep(1.5)
        assert not work.done()
        work.cancel()
        await asyncio.wait([work], timeout=2)
        assert work.cancelled()

    asyncio.run(scenario())


def test_a_file_without_accounts_ends_it(tmp_path):
    (tmp_path / "demo.json").write_text('{"web_url": "http://127.0.0.1:1", "accounts": []}')
    asyncio.run(run_demo_traders(demo_path=tmp_path / "demo.json", web_url=None))


def test_sigterm_ends_the_process_within_two_seconds_while_a_server_does_not_answer(tmp_path):
    demo_file(tmp_path / "demo.json", web_url="unused")
    code = (
        "import sys; from pathlib import Path;"
        "from tradingplatform.demo.traders import run_demo_traders;"
        "from tradingplatform.signals import run_until_signalled;"
        "run_until_signalled(lambda: run_demo_traders(demo_path=Path(sys.argv[1]), web_url=sys.argv[2]))"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "demo.json"), f"http://127.0.0.1:{silent.getsockname()[1]}"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        silent.settimeout(20)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4_096).startswith(b"GET /api/market")
            started_at = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
            assert time.monotonic() - started_at < 2
