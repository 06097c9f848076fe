"""docs/graphql.md: every command is run as it is written and answers what is written; the tables are complete."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from accounts.api.graphql import documents, query_limits
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.envelope import SystemCode
from identity.api_keys import create_api_key
from identity.permissions import INTEGRATOR, give_role
from readmodels.api.graphql.connections import PAGE_SIZE_MAX
from readmodels.tests.conftest import project

BASE_DIR = Path(__file__).resolve().parent.parent.parent.parent
DOCUMENT = (BASE_DIR / "docs" / "graphql.md").read_text()
RAISED = re.compile(r'(?:ApiError|QueryError|Problem|_limit|_require)\((?:[^"()]*,)?\s*"([A-Z_]+)"')


class Shell:
    """A shell that stays open from one command to the next."""

    def __init__(self, folder):
        self._process = subprocess.Popen(
            ["bash"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, text):
        self._process.stdin.write(f"{text}\necho; echo END-OF-COMMAND\n")
        self._process.stdin.flush()
        return "".join(iter(self._process.stdout.readline, "END-OF-COMMAND\n")).strip()

    def close(self):
        self._process.communicate(timeout=10)


@pytest.mark.django_db(transaction=True)
def test_every_command_of_the_page_answers_what_it_says(history, live_server, tmp_path):
    bus = InProcessBus(history.writer)
    set_bus_factory(lambda: bus)
    cache.clear()
    alice = get_user_model().objects.create_user("alice", password="a long password")
    give_role(alice, INTEGRATOR)
    shell = Shell(tmp_path)
    shell.run(f"KEY={create_api_key(user=alice, name='docs')}")
    commands = re.findall(r"^```sh\n(.*?)^```\n```json\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    for command, expected in commands:
        project()
        found = shell.run(command.replace("http://127.0.0.1:8000", live_server.url))
        assert with_gaps(json.loads(found), json.loads(expected)) == json.loads(expected), command
    shell.close()
    assert len(commands) == DOCUMENT.count("```sh") == 15


def with_gaps(found, expected):
    """Return what was found, with an ellipsis wherever the page has one."""
    if expected == "…":
        return "…"
    if isinstance(expected, dict) and isinstance(found, dict):
        return {name: with_gaps(value, expected.get(name)) for name, value in found.items()}
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        return [with_gaps(*pair) for pair in zip(found, expected, strict=True)]
    return found


def test_the_table_of_codes_is_complete():
    raised = {code.value for code in SystemCode}
    ours = ("accounts/api/**/*.py", "identity/rate_limits.py", "edge/*.py", "readmodels/api/graphql/*.py")
    for pattern in (*ours, "tradingplatform/*/graphql.py"):
        for path in BASE_DIR.glob(pattern):
            raised |= set(RAISED.findall(path.read_text()))
    raised |= set(re.findall(r'Problem\(\d+, "([A-Z_]+)"', (BASE_DIR / "edge/requests.py").read_text()))
    table = DOCUMENT[DOCUMENT.index("## Codes") :]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE)) == raised


def test_the_limits_are_those_of_the_code():
    limits = DOCUMENT[DOCUMENT.index("## Limits") : DOCUMENT.index("## Queries by their hash")]
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \|", limits, re.MULTILINE)
    assert rows[1:] == [
        f"{query_limits.QUERY_COST_MAX:,}",
        f"{query_limits.QUERY_DEPTH_MAX} (introspection: {query_limits.INTROSPECTION_DEPTH_MAX})",
        f"{query_limits.ALIASES_MAX} (introspection: none)",
        f"{query_limits.ROOT_FIELDS_MAX}",
        f"{documents.QUERY_CHARACTERS_MAX:,}; {query_limits.SELECTIONS_MAX:,}; {query_limits.FRAGMENTS_MAX}; "
        f"{query_limits.REPEATED_FIELD_MAX}",
        "8 MiB",
        f"{PAGE_SIZE_MAX}",
    ]
