"""Takes secrets out of what is logged or shown: passwords, API keys, cookies, tokens.

The first defence is that nobody logs them: tracebacks have no values of variables, and requests are logged by their
path alone. This is the second: it recognises secrets by the names that they have and by their own form.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

REDACTED: Final = "[redacted]"
CHARACTERS_MAX: Final = 2_000
"""Of one text in a line of the log."""
TRACEBACK_CHARACTERS_MAX: Final = 20_000
_NAMES: Final = (
    r"pass(?:word|wd)?|secret|token|api[-_]?key|authorization|cookie|sessionid|csrf\w*|credentials?|signature"
)
_SECRET_NAME: Final = re.compile(_NAMES, re.IGNORECASE)
# Everything that repeats before what it looks for is bounded: who sends a long text must not keep the process busy.
_FORMS: Final = (
    (re.compile(r"\btp_[0-9a-f]{12}_[A-Za-z0-9_-]+"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",;]+"), rf"\1 {REDACTED}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/:@'\"]{0,200}:)[^\s/@'\"]+@", re.IGNORECASE), rf"\1{REDACTED}@"),
    (re.compile(r"\b(?:pbkdf2_sha\w+|argon2\w*|scrypt|bcrypt\w*|md5)\$[^\s'\",)]+"), REDACTED),
    (
        re.compile(
            rf"""(?i)((?:{_NAMES})[\w-]{{0,40}}["']?\s{{0,20}}[=:]\s{{0,20}})("[^"]*"|'[^']*'|(?!\[redacted\])[^\s,;&)}}\]]+)"""
        ),
        rf"\1{REDACTED}",
    ),
)


def redact(text: str) -> str:
    """Return a text without what looks like a secret in it."""
    for form, replacement in _FORMS:
        text = form.sub(replacement, text)
    return text


def redact_event(_logger: Any, _name: str, event: Any) -> Any:
    """Take secrets out of a log line: a processor of structlog, to be used before the line is written."""
    return {
        name: REDACTED if _is_secret(name, value) else _traceback(value) if name == "exception" else _redacted(value)
        for name, value in event.items()
    }


def _traceback(value: str) -> str:
    """Return the end of a long one, which says what happened; whole lines, so that no secret loses its name."""
    is_long = len(value) > TRACEBACK_CHARACTERS_MAX
    return redact(value[-TRACEBACK_CHARACTERS_MAX:].partition("\n")[2] if is_long else value)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        more = len(value) - CHARACTERS_MAX
        return redact(value) if more <= 0 else f"{redact(value[:CHARACTERS_MAX])}... ({more:,} more characters)"
    if isinstance(value, Mapping):
        return {name: REDACTED if _is_secret(str(name), each) else _redacted(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _redacted(str(value))


def _is_secret(name: str, value: Any) -> bool:
    return value is not None and not isinstance(value, bool | int | float) and _SECRET_NAME.search(name) is not None


class NothingOfTheRequest(SafeExceptionReporterFilter):
    """What Django's error pages and mails show of a request and its variables: nothing, whatever DEBUG says."""

    hidden_settings = re.compile(rf"{_NAMES}|KEY|API|AUTH|URL|DATABASE|CACHES|CHANNEL|BROKER", re.IGNORECASE)

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a request says of itself, without query string and headers that may hold a secret."""
        return {} if request is None else {"REQUEST_METHOD": request.method, "PATH_INFO": request.path_info}

    def get_safe_cookies(self, request: HttpRequest) -> dict[str, Any]:
        """Return the names of the cookies."""
        return {} if request is None else dict.fromkeys(request.COOKIES, REDACTED)

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return the names of the fields of a form."""
        return {} if request is None else dict.fromkeys(request.POST, REDACTED)

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        """Return none of the variables of a frame."""
        return []


class Reporter(ExceptionReporter):
    """Django's page and mail about an exception, without what was asked and with the exception's text redacted."""

    def get_traceback_data(self) -> dict[str, Any]:
        data = super().get_traceback_data()
        data["request_GET_items"] = ()
        data["request_insecure_uri"] = "" if self.request is None else self.request.path
        data["exception_value"] = redact(str(data.get("exception_value", "")))
        for frame in data.get("frames", ()):
            frame["vars"] = ()
        return data
