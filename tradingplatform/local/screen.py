"""What `make run` shows: on a terminal one line for each process, and the address below them; elsewhere plain lines.

Log lines are in files, and shown here only when they are asked for (LOG=1). A terminal that is gone, or a pipe that
nobody reads, never keeps the platform from running or from stopping in order. What the platform says of itself is asked
of /api/health/ready now and then, on a thread of its own (`Figures`).
"""

import http.client
import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradingplatform.local.ports import HOST
from tradingplatform.local.supervisor import Row, State

PAUSE_SECONDS: Final = 2.0
ANSWER_SECONDS_MAX: Final = 3.0
_STYLES: Final = {
    State.STARTING: "yellow",
    State.RUNNING: "green",
    State.WAITING: "bold red",
    State.DONE: "green",
    State.STOPPED: "dim",
}


class Figures:
    """The latest sentence of each component of the health."""

    def __init__(self, web_port: int) -> None:
        self._port = web_port
        self._latest: dict[str, str] = {}

    def start(self) -> None:
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


class Picture(NamedTuple):
    """What is shown now: what is going on, each process, its figures by its name, and the lines at the very end."""

    headline: str
    rows: Sequence[Row] = ()
    figures: Mapping[str, str] = {}
    footer: Sequence[str] = ()


class Screen(Protocol):
    """Where things are shown."""

    def say(self, text: str) -> None:
        """Show a line that stays."""

    def show(self, picture: Picture) -> None:
        """Show how things are; called several times a second."""

    def close(self) -> None:
        """End showing how things are; lines can still be said."""


def make_screen() -> Screen:
    """Return the screen that suits standard output."""
    return TerminalScreen() if sys.stdout.isatty() else PlainScreen()


class PlainScreen:
    """Lines, each once, without any codes."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._headline = ""
        self._footer: Sequence[str] = ()

    def say(self, text: str) -> None:
        with suppress(OSError, ValueError):
            print(text, flush=True)

    def show(self, picture: Picture) -> None:
        """Print what has changed of the headline and the footer."""
        if picture.headline != self._headline:
            self._headline = picture.headline
            self.say(f"{time.monotonic() - self._started:5.1f} s  {picture.headline}")
        if picture.footer and picture.footer != self._footer:
            self._footer = picture.footer
            self.say("\n".join(["", *picture.footer]))

    def close(self) -> None:
        """Nothing has to be ended."""


class TerminalScreen:
    """A table that is painted again and again, below the lines that stay."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        with suppress(OSError, ValueError):
            self._live.start()

    def say(self, text: str) -> None:
        """Print a line above the table."""
        with suppress(OSError, ValueError):
            self._console.print(Text(text))

    def show(self, picture: Picture) -> None:
        with suppress(OSError, ValueError):
            self._live.update(paint(picture, lines_max=self._console.height), refresh=True)

    def close(self) -> None:
        with suppress(OSError, ValueError):
            self._live.stop()


def paint(picture: Picture, *, lines_max: int) -> Group:
    """Return what a terminal of so many lines shows: the footer always, and as many processes as there is room for,
    those first that do not run.
    """
    footer = [Text(line, no_wrap=True, overflow="ellipsis") for line in picture.footer]
    room = max(1, lines_max - len(footer) - 4)
    rows = list(picture.rows)
    if len(rows) > room:
        rows = sorted(rows, key=lambda row: row.state is State.RUNNING)[: room - 1]
    table = Table(box=None, padding=(0, 2, 0, 0), expand=True)
    for name in ("process", "state", "pid", "for", "restarts"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("pid", "for", "restarts") else "left")
    table.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        table.add_row(
            row.name,
            Text(row.state.value, style=_STYLES[row.state]),
            "" if row.pid is None else str(row.pid),
            duration(time.time() - row.since),
            str(row.restarts or ""),
            Text(row.note or picture.figures.get(row.name, "")),
        )
    left_out = len(picture.rows) - len(rows)
    more = [Text(f"and {left_out} more: make status", style="dim")] if left_out else []
    headline = Text(picture.headline, style="bold", no_wrap=True, overflow="ellipsis")
    return Group(headline, table, *more, Text(""), *footer)


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    whole = max(0, int(seconds))
    for unit, size, smaller, smaller_size in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60), ("m", 60, "s", 1)):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // smaller_size}{smaller}"
    return f"{whole}s"
