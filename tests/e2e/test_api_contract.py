"""REST is what its OpenAPI document says: every operation, asked with what fits the document and with what does not.

`make fuzz` asks for longer.
"""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.client import Api

EXAMPLES = os.environ.get("API_EXAMPLES", "8")
SEED = os.environ.get("API_SEED", "1")
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
TOOL = Path(sys.executable).with_name("st")


@pytest.fixture(scope="module")
def account_id(platform, key):
    api = Api(platform.base_url, key)
    opened = api.open()
    version = api.buy(opened)["version"]
    api.get(f"/api/accounts/{opened}", min_version=version)
    return opened


@pytest.fixture(scope="module")
def document(platform):
    return httpx.get(f"{platform.base_url}/api/schema", headers={"Accept": "application/json"}).json()


@pytest.fixture
def ask(platform, account_id, tmp_path):
    """Ask the platform what a document says, as somebody who sees every account, and return the tool's exit code and
    what it printed.
    """
    key = platform.api_key("compliance")

    def asked(document, *more):
        path = tmp_path / "document.json"
        path.write_text(json.dumps(document))
        done = subprocess.run(
            [
                *(TOOL, "--config-file", CONFIGURATION, "run", path, "--url", platform.base_url),
                *("--header", f"Authorization: Bearer {key}", "--max-examples", EXAMPLES, "--seed", SEED),
                *("--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--workers", "2", *more),
            ],
            cwd=tmp_path,
            env={**os.environ, "API_ACCOUNT": account_id},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout

    return asked


@pytest.mark.timeout(3_600)
def test_every_answer_is_in_the_document(ask, document):
    code, printed = ask(document)
    assert code == 0, printed[-6_000:]
    assert f"Tested: {sum(len(path) for path in document['paths'].values())}" in printed


def test_an_answer_that_is_not_in_the_document_is_found_out(ask, document):
    wrong = copy.deepcopy(document)
    wrong["components"]["schemas"]["Account"]["properties"]["trade_count"] = {"type": "string"}
    code, printed = ask(wrong, "--include-path", "/api/accounts/{account_id}")
    assert (code, "Response violates schema" in printed) == (1, True), printed[-3_000:]


def test_a_path_that_there_is_not_is_a_problem_for_programs_and_a_page_for_people(platform):
    told = httpx.get(f"{platform.base_url}/api/accounts/none")
    assert (told.status_code, told.headers["Content-Type"]) == (404, "application/problem+json")
    assert told.json()["code"] == "NOT_FOUND"
    shown = httpx.get(f"{platform.base_url}/admin/none/")
    assert "json" not in shown.headers["Content-Type"]
