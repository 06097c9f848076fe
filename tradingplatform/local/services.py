"""The servers that the platform needs, embedded ones started where the environment names none."""

import os
from pathlib import Path

from tradingplatform.local.dynamodb import EmbeddedDynamoDB
from tradingplatform.local.postgres import EmbeddedPostgres
from tradingplatform.local.steps import step
from tradingplatform.local.valkey import EmbeddedValkey
from tradingplatform.settings.variables import SERVICES_FILE


class Services:
    """PostgreSQL, Valkey and, when it is asked for, DynamoDB Local of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._postgres = None if os.environ.get("DATABASE_URL") else EmbeddedPostgres(data_dir / "postgres")
        is_wanted = os.environ.get("EVENT_STORE") == "dynamodb" and not os.environ.get("DYNAMODB_ENDPOINT")
        self._dynamodb = EmbeddedDynamoDB(data_dir / "dynamodb") if is_wanted else None
        self._valkey = None if os.environ.get("REDIS_URL") else EmbeddedValkey(data_dir / "valkey")

    def start(self) -> dict[str, str]:
        """Start what is embedded; return the addresses, which are also left for manage.py in other terminals."""
        addresses: dict[str, str] = {}
        if self._postgres is not None:
            addresses["DATABASE_URL"] = step("start PostgreSQL", self._postgres.start)
        if self._valkey is not None:
            addresses["REDIS_URL"] = step("start Valkey", self._valkey.start)
        if self._dynamodb is not None:
            addresses["DYNAMODB_ENDPOINT"] = step("start DynamoDB Local", self._dynamodb.start)
            addresses["EVENT_STORE"] = "dynamodb"
        path = self._data_dir / SERVICES_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in addresses.items()))
        return addresses

    def stop(self) -> None:
        """Stop what was started."""
        (self._data_dir / SERVICES_FILE).unlink(missing_ok=True)
        if self._valkey is not None:
            self._valkey.stop()
        if self._dynamodb is not None:
            self._dynamodb.stop()
        if self._postgres is not None:
            self._postgres.stop()
