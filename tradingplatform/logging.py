"""Structured logs of every process: key=value lines for people, or one JSON object per line for machines.

A traceback shows lines of code and never the values of variables, which may be a password; and what looks like a secret
is taken out of every line (redaction.py). A request that was refused is one line without a traceback, whatever it held:
nothing in it can look like a line of its own.
"""

import logging
import logging.config
import sys
from typing import Any

import structlog

from tradingplatform.redaction import redact_event

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


class Refusals(logging.Filter):
    """Makes a plain warning of what Django says when it refuses a request: that is the caller's fault, not one of ours.

    Django logs some refusals as errors with their traceback, such as a Host header that is none of ours.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; never leave it out."""
        is_refusal = record.name == "django.request" and getattr(record, "status_code", 500) < 500
        if is_refusal or record.name.startswith("django.security."):
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


def one_line(_logger: Any, _name: str, event: Any) -> Any:
    """Escape what is not printable in the texts of a line: a processor of structlog."""
    return {name: _printable(value) if name != "exception" else value for name, value in event.items()}


def _printable(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in value)


def configure_logging(*, format: str, level: str) -> None:
    """Send everything that is logged, by structlog or the standard library, to standard error in one form."""
    is_json = format == "json"
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if is_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact_event,
            *(() if is_json else (one_line,)),  # JSON escapes by itself.
            renderer,
        ],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"structured": formatter},
            "filters": {"refusals": {"()": Refusals}},
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": "structured", "filters": ["refusals"]}
            },
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "celery": {"level": "WARNING"},
                "httpx": {"level": "WARNING"},
                "django.server": {"level": "WARNING"},
            },
        }
    )
