"""The embedded DynamoDB Local: what is acknowledged survives kill -9, the port stays, and it ends with its parent."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from tradingplatform.local import servers
from tradingplatform.local.ports import accepts, free_port
from tradingplatform.local.processes import BASE_DIR
from tradingplatform.local.servers import EmbeddedDynamoDB
from tradingplatform.local.tests.processes_of import marked, wait_for
from tradingplatform.local.tests.test_run import start as start_run

TABLE = "kept"
DEFINITION = {
    "TableName": TABLE,
    "KeySchema": [{"AttributeName": "number", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "number", "AttributeType": "N"}],
    "BillingMode": "PAY_PER_REQUEST",
}
PUTS = 200
FOUND_BY_MANAGE = ("DATABASE_URL", "REDIS_URL", "EVENT_STORE", "DYNAMODB_ENDPOINT", "COMMAND_BUS")


def client_of(url):
    return boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def start(tmp_path):
    started = []

    def make(folder=tmp_path / "dynamodb", **options):
        server = EmbeddedDynamoDB(folder, **options)
        started.append(server)
        return server, client_of(server.start())

    yield make
    for server in started:
        server.stop()


def test_it_lists_tables_and_starts_again_on_its_port_with_its_data(start):
    server, client = start()
    assert client.list_tables()["TableNames"] == []
    client.create_table(**DEFINITION)
    client.put_item(TableName=TABLE, Item={"number": {"N": "1"}})
    url = server.url
    server.stop()
    assert not accepts(server.port)
    assert server.pid is None
    assert server.start() == url
    assert client.scan(TableName=TABLE)["Items"] == [{"number": {"N": "1"}}]


def test_everything_acknowledged_before_kill_9_is_there_afterwards(start):
    server, client = start()
    client.create_table(**DEFINITION)
    for number in range(PUTS):
        client.put_item(TableName=TABLE, Item={"number": {"N": str(number)}, "bytes": {"B": b"x" * 2_000}})
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not accepts(server.port))
    _, again = start()
    assert again.scan(TableName=TABLE, Select="COUNT")["Count"] == PUTS


def test_in_memory_nothing_is_kept(start):
    server, client = start(is_durable=False)
    client.create_table(**DEFINITION)
    server.stop()
    server.start()
    assert client.list_tables()["TableNames"] == []


def test_a_server_that_is_not_installed_is_said_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "DYNAMODB_FOLDER", tmp_path / "absent")
    with pytest.raises(RuntimeError, match=r"DynamoDBLocal\.jar is missing: run `make setup`"):
        EmbeddedDynamoDB(tmp_path).start()


def test_a_server_that_does_not_start_says_why_and_where_its_log_is(tmp_path, monkeypatch):
    (tmp_path / "DynamoDBLocal.jar").write_text("not a jar")
    monkeypatch.setattr(servers, "DYNAMODB_FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match=r"(?s)ended while starting; the end of .*dynamodb\.log.*corrupt jarfile"):
        EmbeddedDynamoDB(tmp_path / "dynamodb").start()


def test_it_ends_when_its_parent_is_killed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from tradingplatform.local.servers import EmbeddedDynamoDB\n"
        "server = EmbeddedDynamoDB(Path(sys.argv[1])); server.start(); print(server.port, flush=True); time.sleep(600)"
    )
    folder = tmp_path / "dynamodb"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    port = int(parent.stdout.readline())
    assert accepts(port)
    assert len(marked(str(folder))) == 2
    parent.kill()
    parent.wait()
    wait_for(lambda: marked(str(folder)) == [])
    wait_for(lambda: not accepts(port))  # The kernel lets go of a command line before it does of sockets.


class TestSetup:
    def test_an_environment_that_a_link_leads_to_is_not_made_anew(self, tmp_path):
        """`venv --clear` would empty it, and others may be using it."""
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "kept").touch()
        (tmp_path / "venv").symlink_to("theirs")
        done = subprocess.run(
            ["bash", "scripts/setup.sh", "python", str(tmp_path / "venv")],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "venv is a link to theirs" in done.stderr
        assert [path.name for path in Path(tmp_path / "theirs").iterdir()] == ["kept"]


def manage(data_dir, *arguments, **environment):
    """Run a command as in another terminal, which is told of nothing but the data folder and `environment`."""
    kept = {name: value for name, value in os.environ.items() if name not in FOUND_BY_MANAGE}
    done = subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=BASE_DIR,
        env={**kept, "TRADING_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_run_keeps_its_events_in_dynamodb_over_kill_9(tmp_path, monkeypatch, start):
    monkeypatch.setenv("EVENT_STORE", "dynamodb")
    data_dir, log, checkpoint = tmp_path / "data", tmp_path / "run.log", tmp_path / "checkpoint.json"
    running = start_run(data_dir, free_port())
    try:
        wait_for(lambda: running.poll() is not None or "Ctrl-C stops everything" in log.read_text(), 120)
        assert running.poll() is None, log.read_text()
        manage(data_dir, "sign_checkpoint", "--output", checkpoint)
    finally:
        running.kill()
        running.wait()
    wait_for(lambda: marked(str(data_dir)) == [], 20)
    assert re.search(r"\d s  starting postgresql and valkey and dynamodb$", log.read_text(), re.MULTILINE)
    assert not (data_dir / "events").exists()
    # What the checkpoint names is there, unchanged, when the server is started on its folder again.
    server, _ = start(folder=data_dir / "dynamodb")
    environment = {"EVENT_STORE": "dynamodb", "DYNAMODB_ENDPOINT": server.url}
    manage(data_dir, "create_event_tables", **environment)
    manage(data_dir, "verify_events", "--known-checkpoint", checkpoint, **environment)
