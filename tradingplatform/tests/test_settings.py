"""Cookies are for HTTPS only, unless everything that is served is on this machine or somebody said otherwise."""

import json
import os
import subprocess
import sys

import pytest

from tradingplatform.settings.variables import are_local

SHOW = """
import json
from tradingplatform import settings as s
print(json.dumps([s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE]))
"""


@pytest.mark.parametrize(
    ("environment", "is_secure"),
    [
        ({}, False),
        ({"ALLOWED_HOSTS": "trade.example.com"}, True),
        ({"ALLOWED_HOSTS": "trade.example.com", "SECURE_COOKIES": "false"}, False),
        ({"ALLOWED_HOSTS": "trade.example.com", "DEBUG": "true"}, False),
        ({"SECURE_COOKIES": "true"}, True),
    ],
)
def test_cookies_are_as_safe_as_the_hosts_allow(environment, is_secure):
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [is_secure, is_secure, True, "Lax"]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["localhost", "127.0.0.1", "[::1]", "web"], True),
        (["localhost", "trade.example.com"], False),
        (["*"], False),
        ([".example.com"], False),
        (["192.168.1.5"], False),
        (["[fe80::1]"], False),
    ],
)
def test_hosts_are_local_on_this_machine_and_without_a_dot(hosts, expected):
    assert are_local(hosts) == expected
