"""What the platform says of itself, for the lines of `make run`: asked of /api/health/ready now and then, on a thread
of its own.
"""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from tradingplatform.local.ports import HOST

PAUSE_SECONDS: Final = 2.0
ANSWER_SECONDS_MAX: Final = 3.0


class Figures:
    """The latest sentence of each component of the health."""

    def __init__(self, web_port: int) -> None:
        self._port = web_port
        self._latest: dict[str, str] = {}

    def start(self) -> None:
        """Begin to ask."""
        threading.Thread(target=self._ask_forever, name="figures", daemon=True).start()

    def by_process(self) -> Mapping[str, str]:
        """Return what there is to say of processes; nothing when the platform does not say."""
        return self._latest

    def _ask_forever(self) -> None:
        while True:
            self._latest = sentences(self._ask())
            time.sleep(PAUSE_SECONDS)

    def _ask(self) -> dict[str, Any]:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=ANSWER_SECONDS_MAX)
        try:
            connection.request("GET", "/api/health/ready")
            found: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()
        return found


def sentences(health: Mapping[str, Any]) -> dict[str, str]:
    """Return the sentence of each component, before it that it is not well if it is not."""
    found = {}
    for name, component in health.get("components", {}).items():
        said = component.get("detail", "")
        found[name] = said if component["status"] == "ok" else f"{component['status']}: {said}"
    return found
