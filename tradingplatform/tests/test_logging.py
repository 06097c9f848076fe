"""Lines of the log: what a caller sent is one line, and only faults of ours have a traceback."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
from tradingplatform.logging import configure_logging
configure_logging(format=sys.argv[1], level="INFO")
try:
    raise ValueError("refused")
except ValueError:
    logging.getLogger("django.security.DisallowedHost").error("Host a\\nb \\u202e " + "x" * 9_000, exc_info=True)
    logging.getLogger("django.request").warning("Forbidden: /a", exc_info=True, extra={"status_code": 403})
    logging.getLogger("django.request").error("Server Error: /a", exc_info=True, extra={"status_code": 500})
    logging.getLogger("accounts").error("failed", exc_info=True)
"""


@pytest.fixture(params=["console", "json"])
def lines(request):
    done = subprocess.run([sys.executable, "-c", SCRIPT, request.param], capture_output=True, text=True, check=True)
    return request.param, done.stderr.splitlines()


def test_a_refusal_is_a_warning_of_one_line_and_a_fault_has_its_traceback(lines):
    form, written = lines
    host, forbidden, *others = written
    if form == "json":
        assert [json.loads(line)["level"] for line in written] == ["warning", "warning", "error", "error"]
        assert ["exception" in json.loads(line) for line in written] == [False, False, True, True]
        return
    assert "warning" in host
    assert r"Host a\nb \u202e xxx" in host
    assert len(host) < 2_300
    assert "warning" in forbidden
    assert sum("Traceback" in line for line in others) == 2
