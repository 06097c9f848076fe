"""The README's commands, run as they are written there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.services.platform import BASE_DIR

BODY = re.compile(r"-d '(\{.*?\}+)'\n", re.DOTALL)
README = (BASE_DIR / "README.md").read_text()
CURL, CHECKS = README.index("## A first command with curl"), README.index("## Do not trust it")


@pytest.fixture(scope="module")
def walked(platform):
    """The first commands as they are sent, with their answers: (account id, answers, the trade's body)."""
    key = platform.api_key("alice")
    bodies = BODY.findall(README[CURL:CHECKS])
    assert len(bodies) == 3
    answers: list[dict] = []
    with httpx.Client(base_url=platform.base_url, headers={"Authorization": f"Bearer {key}"}) as http:
        account_id = ""
        for body in bodies:
            sent = json.loads(body.replace("'$ACCOUNT'", account_id))
            answers.append(http.post("/graphql", json=sent).json()["data"])
            account_id = account_id or answers[0]["openAccount"]["accountId"]
        yield http, account_id, answers, sent


def test_the_first_commands_of_the_readme_do_what_it_says(walked):
    http, account_id, answers, sent = walked
    (path,) = re.findall(r'http://127\.0\.0\.1:8000(/api/accounts/\S+)"', README[CURL:CHECKS])
    portfolio = http.get(path.replace("$ACCOUNT", account_id)).json()
    again = http.post("/graphql", json=sent).json()["data"]
    sent["variables"]["t"] |= {"quantity": 1000, "commandId": "too-much"}
    refused = http.post("/graphql", json=sent).json()["data"]["executeTrade"]
    assert answers[1]["depositCash"] == {"version": 2, "cashAfter": "10000.0000"}
    assert answers[2]["executeTrade"]["__typename"] == "TradeExecuted"
    assert portfolio["account"]["cash"] == answers[2]["executeTrade"]["cashAfter"] == "9545.0000"
    assert again == answers[2]
    assert (refused["__typename"], refused["code"]) == ("CommandRefused", "INSUFFICIENT_FUNDS")
    assert (refused["limit"], refused["actual"]) == ("9545.0000", "45500.0000")


def test_the_checks_of_the_readme_find_that_all_is_well(walked, platform, tmp_path):
    """Run where the README runs them, but for the file that they write."""
    _, account_id, _, _ = walked
    lines = re.findall(r"^    ((?:\.venv/bin/python|python3) .+)$", README[CHECKS:], re.MULTILINE)
    outputs = {}
    for line in lines:
        words = shlex.split(line.replace("$ACCOUNT", account_id), comments=True)
        command = [sys.executable, *(str(tmp_path / word) if word == "proof.json" else word for word in words[1:])]
        done = subprocess.run(
            command, cwd=BASE_DIR, env=platform.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        outputs[next(Path(word).stem for word in words[2:] if word != "manage.py" and word[0] != "-")] = done.stdout
    assert list(outputs) == [
        "verify_events",
        "reconcile",
        "projection_status",
        "sign_checkpoint",
        "prove_event",
        "verify_proof",
    ]
    assert "TradeExecuted" in outputs["verify_proof"]
