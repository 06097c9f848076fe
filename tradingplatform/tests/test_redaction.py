"""No log line, error page or mail holds a password, a key or a cookie, however it came there."""

import json
import subprocess
import sys
import time

import pytest
from django.test import RequestFactory
from django.views.debug import get_exception_reporter_class

from tradingplatform.redaction import REDACTED, redact, redact_event
from tradingplatform.settings.variables import read_variables

SECRET = "hunter2-and-more"
KEY = "tp_0123456789ab_" + "aB3-_" * 8 + "xyz"
FAILING = f"""
import sys
from tradingplatform.logging import configure_logging
configure_logging(format=sys.argv[1], level="DEBUG")
import logging, structlog

def log_in(username, password, *, cookies):
    credentials = {{"password": password}}
    raise ValueError(f"no {{username}}, authorization: {{cookies['key']}}")

for log in (structlog.get_logger("one"), logging.getLogger("two")):
    try:
        log_in("ada", {SECRET!r}, cookies={{"sessionid": {SECRET!r}, "key": {KEY!r}}})
    except ValueError:
        log.exception("it failed")
structlog.get_logger("three").info("told", password={SECRET!r}, url="redis://:{SECRET}@host:1/0", seen=[{KEY!r}])
logging.getLogger("four").warning("Bearer %s and password=%s", {KEY!r}, {SECRET!r})
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_and_a_line_hold_no_secret(form):
    done = subprocess.run([sys.executable, "-c", FAILING, form], capture_output=True, text=True, check=True)
    assert done.stderr.count("Traceback") == 2
    assert "ValueError: no ada, authorization" in done.stderr
    assert SECRET not in done.stderr
    assert KEY not in done.stderr
    if form == "json":
        assert json.loads(done.stderr.splitlines()[2])["seen"] == [REDACTED]


SECRETS = {
    f"the key {KEY}.": f"the key {REDACTED}.",
    f"Authorization: Bearer {SECRET}": f"Authorization: {REDACTED} {REDACTED}",
    f"postgresql://trading:{SECRET}@host:5432/trading": f"postgresql://trading:{REDACTED}@host:5432/trading",
    f"redis://:{SECRET}@host/0": f"redis://:{REDACTED}@host/0",
    f'{{"password": "{SECRET} x", "a": 1}}': f'{{"password": {REDACTED}, "a": 1}}',
    f"{{'new_password1': '{SECRET}'}}": f"{{'new_password1': {REDACTED}}}",
    f"sessionid={SECRET}; csrftoken={SECRET}": f"sessionid={REDACTED}; csrftoken={REDACTED}",
    f"GET /x?password={SECRET}&limit=5": f"GET /x?password={REDACTED}&limit=5",
    "Failing row contains (1, pbkdf2_sha256$1000$salt$hash=, ada)": f"Failing row contains (1, {REDACTED}, ada)",
}


@pytest.mark.parametrize(("text", "expected"), SECRETS.items())
def test_what_looks_like_a_secret_is_taken_out(text, expected):
    assert redact(text) == expected


def test_other_words_are_left_alone():
    for text in ("a password is a text", "the token bucket of 5 keys", "cookie", "version 7 is not there: wait"):
        assert redact(text) == text
    event = {"event": "told", "accounts": 5, "reason": None, "path": "/api/keys", "tokens": 3}
    assert redact_event(None, "", dict(event)) == event


@pytest.mark.parametrize("is_debug", [True, False])
def test_the_error_page_of_django_shows_nothing_of_the_request(settings, is_debug):
    settings.DEBUG = is_debug
    form = {"username": "ada", "password": SECRET}
    request = RequestFactory().post(f"/admin/login/?next={SECRET}", form, headers={"Authorization": f"Bearer {KEY}"})
    request.COOKIES["sessionid"] = SECRET

    def fail(password):
        raise ValueError(f"the key is {KEY}")

    try:
        fail(SECRET)
    except ValueError:
        reporter = get_exception_reporter_class(request)(request, *sys.exc_info())
    for page in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert "ValueError" in page
        assert SECRET not in page
        assert KEY not in page


def test_a_setting_that_cannot_be_read_is_not_shown_with_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"mysql://trading:{SECRET}@host/trading")
    with pytest.raises(Exception, match="DATABASE_URL") as raised:
        read_variables(tmp_path)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "piece", ["x", "a-", "token-", 'password="', "://", "a://b:", "a.b+", "tp_", "bearer ", "=", "\"'", "md5$", "\n"]
)
def test_a_long_text_costs_its_length_and_not_its_square(piece):
    """A header of 400 KiB that was refused would have kept the process busy for minutes."""

    def seconds(length):
        text = (piece * length)[:length]
        began = time.process_time()
        redact_event(None, "", {"event": text, "exception": text})
        return time.process_time() - began

    assert seconds(400_000) < 1


def test_what_is_cut_from_a_text_leaves_no_part_of_a_secret():
    for length in range(1_940, 2_001):
        assert SECRET[:5] not in str(redact_event(None, "", {"event": "x" * length + f" password={SECRET}" * 9}))
    lines = "x" * 70 + f"\n password={SECRET} and more\n"
    for length in range(60):
        assert SECRET[:5] not in str(redact_event(None, "", {"exception": lines * 300 + "x" * length}))
