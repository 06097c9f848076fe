"""Every environment variable of the platform, in one table: name, how it is read, default, meaning.

docs/configuration.md shows the same table; a test compares the two. `make run` writes the addresses of the servers that
it started to DATA_DIR/run/services.env, so that `manage.py` commands in another terminal find them; the real
environment wins.
"""

import os
import secrets
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import environ
from django.core.exceptions import ImproperlyConfigured

from tradingplatform.local import SERVICES_FILE
from tradingplatform.redaction import redact


class Variable(NamedTuple):
    """One environment variable; `read` turns its text into the setting's value."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str


def _boolean(text: str) -> bool:
    if text.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
        raise ValueError("expected true or false")
    return text.lower() in ("1", "true", "yes", "on")


def _boolean_if_said(text: str) -> bool | None:
    return _boolean(text) if text else None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return text

    return read


def _positive(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise ValueError("expected a number above zero")
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError("expected zero or a number above it")
    return value


def _partitions(text: str) -> int | None:
    return _positive(text) if text else None


def _database(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = environ.Env.db_url_config(text)
    if not parsed.get("ENGINE", "").endswith("postgresql"):
        raise ValueError("expected postgresql://user:password@host:port/name")
    return parsed


def _databases(text: str) -> list[dict[str, Any]]:
    return [_database(address) for address in _words(text)]


VARIABLES: Final = (
    Variable("TRADING_DATA_DIR", str, "var", "Folder of everything made at run time, relative to the repository"),
    Variable("SECRET_KEY", str, "", "Django's secret; made on the first run and kept in the data folder when empty"),
    Variable("DEBUG", _boolean, "false", "Django's debug pages; never in production"),
    Variable("ALLOWED_HOSTS", _words, "localhost,127.0.0.1,[::1]", "Host names that are served"),
    Variable("CSRF_TRUSTED_ORIGINS", _words, "", "Origins such as https://trade.example.com behind a proxy"),
    Variable("SECURE_COOKIES", _boolean_if_said, "", "Cookies over HTTPS only; when empty, unless all hosts are local"),
    Variable("DATABASE_URL", _database, "postgresql://127.0.0.1:5432/trading", "PostgreSQL of the read models"),
    Variable("READ_REPLICA_URLS", _databases, "", "Replicas of it that answer queries, comma separated"),
    Variable("REDIS_URL", str, "redis://127.0.0.1:6379/0", "Valkey or Redis: cache, broker, channel layer, quotes"),
    Variable("EVENT_STORE", _one_of("sqlite", "dynamodb"), "sqlite", "Engine of the event store: sqlite or dynamodb"),
    Variable("EVENT_STORE_PATH", str, "", "Folder of the SQLite event store; events/ in the data folder when empty"),
    Variable("EVENT_STORE_PARTITIONS", _partitions, "", "Partitions, fixed at creation; 16 (DynamoDB: 64) when empty"),
    Variable("EVENT_STORE_TABLE_PREFIX", str, "trading", "Beginning of the names of the DynamoDB tables"),
    Variable("DYNAMODB_ENDPOINT", str, "", "Address of a DynamoDB that is not AWS's; `make run` starts one when empty"),
    Variable("DYNAMODB_REGION", str, "us-east-1", "AWS region of the tables"),
    Variable(
        "EVENT_STORE_ACCEPTS_NEWEST_TIMESTAMP",
        _boolean,
        "false",
        "Write although the newest event is stamped more than a minute later than the clock, with its stamp",
    ),
    Variable("EVENT_STORE_TAIL_EVENTS", _positive, "200000", "Events of the journal that may not be in pages yet"),
    Variable("TEMPORAL_CACHE", _boolean_if_said, "", "Keep accounts of the past in Redis; when empty, with DynamoDB"),
    Variable("WRITER_ENDPOINT", str, "", "Where writers listen, as in commands.md; in the data folder when empty"),
    Variable("WRITER_PROCESSES", _positive, "1", "Writers that `make run` starts, each with a share of the partitions"),
    Variable("WRITER_ACCOUNTS_MB", _positive, "2000", "Memory of the accounts that a writer of all partitions holds"),
    Variable("WRITER_KEYS", str, "", "Folder of keys that encrypt commands between machines; none when empty"),
    Variable("COMMAND_BUS", _one_of("zeromq", "in_process"), "zeromq", "How commands reach a writer"),
    Variable("EVENT_RETENTION_DAYS", _positive, "2557", "Days after which archived events may leave the store"),
    Variable("ARCHIVE_PATH", str, "", "Folder of the archive; archive/ in the data folder when empty"),
    Variable("ARCHIVE_S3_BUCKET", str, "", "Bucket with object lock for the archive, instead of a folder"),
    Variable("ARCHIVE_S3_ENDPOINT", str, "", "Address of an S3 server other than Amazon's"),
    Variable("EVENT_STORE_SIGNING_KEY", str, "", "Key file; keys/checkpoint-signing.pem in the data folder when empty"),
    Variable("CHECKPOINT_INTERVAL_SECONDS", _positive, "60", "How often a checkpoint is signed when there is news"),
    Variable("API_KEY_REQUESTS_PER_MINUTE", _not_negative, "6000", "Requests a minute of each API key; 0 is no limit"),
    Variable(
        "GRAPHQL_INTROSPECTION",
        _boolean,
        "true",
        "Show the GraphQL schema, and suggest its names in errors",
    ),
    Variable("MARKET_REPLAY", _boolean, "true", "Quote the replayed, simulated market; when false, pushed prices only"),
    Variable("MARKET_PUSHED_SECONDS_MAX", _positive, "60", "Seconds after which a pushed price is stale"),
    Variable("MARKET_SECONDS_PER_DAY", _positive, "120", "Real seconds that one simulated trading day takes"),
    Variable(
        "VENUE_DISPLAYED_VALUE",
        _positive,
        "50000",
        "What each quote of the paper venue offers to buy and to sell of a symbol, in the currency; the rest of an "
        "order waits for the next quote",
    ),
    Variable("VENUE_PROCESSES", _positive, "1", "Venues that `make run` starts, each with a share of the symbols"),
    Variable("MARKET_START_DATE", str, "2019-01-02", "First trading day that the simulated market replays"),
    Variable("DEMO_WEB_URL", str, "", "Where the demo traders find the web server; as load_demo was told when empty"),
    Variable("LOG_FORMAT", _one_of("console", "json"), "console", "Logs for people or for machines"),
    Variable("LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "The least severe lines shown"),
)


def read_variables(base_dir: Path) -> dict[str, Any]:
    """Return the value of every variable; raises ImproperlyConfigured naming the one that cannot be read."""
    data_dir = base_dir / os.environ.get("TRADING_DATA_DIR", "var")
    texts = {**_services(data_dir), **os.environ, "TRADING_DATA_DIR": str(data_dir)}
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        text = texts.get(variable.name, variable.default)
        try:
            values[variable.name] = variable.read(text)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"environment variable {variable.name}: {error}, found {redact(repr(text))} ({variable.meaning})"
            ) from None  # The cause may quote a password that `redact` does not recognise.
    return values


def are_local(hosts: list[str]) -> bool:
    """Tell whether every host that is served is this machine, or a name without a dot, as in a network of containers:
    there people use plain HTTP, and a cookie for HTTPS only would keep them from logging in.
    """
    return all(host.startswith("127.") or host == "[::1]" or host.isalnum() for host in hosts)


def secret_key(data_dir: Path) -> str:
    """Return the secret of this data folder, making it the first time, readable by its owner only.

    Where it can neither be read nor made, as in an auditor's copy, one for this process alone has to do.
    """
    try:
        return _kept_secret_key(data_dir / "secret_key")
    except OSError as error:
        warnings.warn(f"what this process signs ends with it: {error}", RuntimeWarning, stacklevel=1)
        return secrets.token_urlsafe(50)


def _kept_secret_key(path: Path) -> str:
    if not path.exists():
        data_dir = path.parent
        data_dir.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(f".{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50))
        try:
            os.link(made, path)  # Fails when another process was first: then its key counts.
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text().strip()


def _services(data_dir: Path) -> dict[str, str]:
    path = data_dir / SERVICES_FILE
    if not path.exists():
        return {}
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
