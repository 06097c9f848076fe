"""The servers that the platform needs, embedded ones where the environment names none."""

import os
from pathlib import Path

from tradingplatform.local import SERVICES_FILE
from tradingplatform.local.dynamodb import EmbeddedDynamoDB
from tradingplatform.local.postgres import EmbeddedPostgres
from tradingplatform.local.server import EmbeddedServer
from tradingplatform.local.valkey import EmbeddedValkey


class Services:
    """PostgreSQL, Valkey and, when it is asked for, DynamoDB Local of one data folder, by the variables that name
    their addresses.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / SERVICES_FILE
        self._servers: dict[str, EmbeddedServer] = {}
        if not os.environ.get("DATABASE_URL"):
            self._servers["DATABASE_URL"] = EmbeddedPostgres(data_dir / "postgres")
        if not os.environ.get("REDIS_URL"):
            self._servers["REDIS_URL"] = EmbeddedValkey(data_dir / "valkey")
        if os.environ.get("EVENT_STORE") == "dynamodb" and not os.environ.get("DYNAMODB_ENDPOINT"):
            self._servers["DYNAMODB_ENDPOINT"] = EmbeddedDynamoDB(data_dir / "dynamodb")

    @property
    def servers(self) -> list[EmbeddedServer]:
        """The embedded servers."""
        return list(self._servers.values())

    def publish(self) -> dict[str, str]:
        """Return the addresses, and leave them for manage.py in other terminals."""
        addresses = {variable: server.url for variable, server in self._servers.items()}
        if "DYNAMODB_ENDPOINT" in addresses:
            addresses["EVENT_STORE"] = "dynamodb"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)
        self._file.touch(mode=0o600)
        self._file.write_text("".join(f"{name}={value}\n" for name, value in addresses.items()))
        return addresses

    def withdraw(self) -> None:
        """Take the addresses back."""
        self._file.unlink(missing_ok=True)
