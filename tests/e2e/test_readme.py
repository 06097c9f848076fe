"""The README's commands, run as they are written there."""

import json
import re
import shlex
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.client import Api, wait_until_open
from tests.e2e.test_venue import ended
from tests.services.platform import BASE_DIR

BODY = re.compile(r"-d '(\{.*?\}+)'\n", re.DOTALL)
QUERY = re.compile(r'http://127\.0\.0\.1:8000(/api/accounts/\S+)\?min_version=(\d)"')
README = (BASE_DIR / "README.md").read_text()
CURL, CHECKS = README.index("## A first command with curl"), README.index("## Do not trust it")


class Sender(Api):
    """Sends the bodies of the page with a key."""

    def answer(self, body, account_id="", **changes):
        sent = json.loads(body.replace("'$ACCOUNT'", account_id))
        for values in sent.get("variables", {}).values():
            values |= changes
        return self._http.post("/graphql", json=sent).json()

    def send(self, body, account_id="", **changes):
        ((_, result),) = self.answer(body, account_id, **changes)["data"].items()
        return result


@pytest.fixture(scope="module")
def alice(platform):
    return Sender(platform.base_url, platform.api_key("alice"))


@pytest.fixture(scope="module")
def bodies():
    found = BODY.findall(README[CURL:CHECKS])
    assert len(found) == 4
    return found


@pytest.fixture(scope="module")
def account_id(alice, bodies):
    return alice.send(bodies[0])["accountId"]


@pytest.fixture(scope="module")
def traded(platform, alice, bodies, account_id):
    """The answers to a deposit and an order, and the portfolio once the venue has filled it."""
    ((path, version),) = QUERY.findall(README[CURL:CHECKS])
    platform.start("venue")
    wait_until_open(alice)
    answers = [alice.send(body, account_id) for body in bodies[1:3]]
    ended(alice, account_id, answers[1]["order"]["orderId"], seconds=30)
    yield answers, alice.get(path.replace("$ACCOUNT", account_id), min_version=version)
    platform.stop("venue")


def test_the_first_commands_of_the_readme_do_what_it_says(alice, bodies, account_id, traded):
    (deposited, placed), portfolio = traded
    assert deposited == {"version": 2, "cashAfter": "10000.0000"}
    assert (placed["__typename"], placed["version"]) == ("OrderPlaced", 3)
    (position,) = portfolio["positions"]
    assert (position["symbol"], position["quantity"]) == ("KO", "10")
    spent = Decimal("10000") - Decimal(portfolio["account"]["cash"])
    assert 0 < spent < Decimal(placed["reservedCash"])
    version = portfolio["account"]["version"]
    assert alice.send(bodies[2], account_id)["code"] == "CLIENT_ORDER_ID_SPENT"
    refused = alice.send(bodies[2], account_id, quantity=1000, clientOrderId="too-much")
    assert (refused["__typename"], refused["code"]) == ("CommandRefused", "INSUFFICIENT_FUNDS")
    assert Decimal(refused["limit"]) == 10_000 - spent < Decimal(refused["actual"])
    after = alice.get(f"/api/accounts/{account_id}", min_version=version + 1)
    assert (after["version"], after["trade_count"]) == (version + 1, 1), "the refusal, and nothing else"


def test_a_trade_is_booked_by_the_demos_integrator_and_by_nobody_else(platform, alice, bodies, account_id):
    (line,) = re.findall(r"^    (read -r KEY ACCOUNT .+)$", README[CURL:CHECKS], re.MULTILINE)
    line = line.replace("var/demo.json", str(platform.data_dir / "demo.json"))
    said = subprocess.run(["bash", "-c", f'{line}; echo "$KEY $ACCOUNT"'], capture_output=True, text=True, check=True)
    key, booked_on = said.stdout.split()
    integrator = Sender(platform.base_url, key)
    for owned in (account_id, booked_on):
        (error,) = alice.answer(bodies[3], owned)["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["message"].endswith("place an order (placeOrder), or ask an operator for the role integrator")
    (error,) = integrator.answer(bodies[3], account_id)["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN", "it trades one account of Alice's alone"
    before = alice.get(f"/api/accounts/{booked_on}")
    booked = integrator.send(bodies[3], booked_on)
    assert (booked["__typename"], booked["version"]) == ("TradeExecuted", before["version"] + 1)
    assert Decimal(before["cash"]) - Decimal(booked["cashAfter"]) == Decimal("415")
    assert integrator.send(bodies[3], booked_on) == booked
    after = alice.get(f"/api/accounts/{booked_on}", min_version=booked["version"])
    assert (after["name"], after["trade_count"]) == ("Personal account", before["trade_count"] + 1)


@pytest.mark.usefixtures("traded")
def test_the_checks_of_the_readme_find_that_all_is_well(account_id, platform, tmp_path):
    """Run where the README runs them, but for the file that they write."""
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
