"""The screen: one line for each process and the address at the very end, whatever the size; plain lines elsewhere."""

import io
import time

from rich.console import Console

from tradingplatform.local.screen import Picture, PlainScreen, TerminalScreen, duration, paint, sentences
from tradingplatform.local.supervisor import Row, State

FOOTER = ["log in as alice", "Trading platform: http://127.0.0.1:8000"]


def rows(count=3):
    found = [Row(f"process-{n}", State.RUNNING, 100 + n, time.time() - 65, 0, "") for n in range(count - 1)]
    return [*found, Row("web", State.WAITING, None, time.time(), 2, "ended with code 1; started again in 4 s")]


def painted(lines, *, height, width=100, figures=None):
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(paint(Picture("Trading platform", lines, figures or {}, FOOTER), lines_max=height))
    return console.file.getvalue().splitlines()


def test_every_process_has_a_line_and_the_address_comes_last():
    lines = painted(rows(), height=40, figures={"process-0": "1,234 commands/s", "web": "of before"})
    assert lines[0].startswith("Trading platform")
    assert lines[-1] == FOOTER[-1]
    for words in (["process-0", "running", "100", "1m 5s", "1,234 commands/s"], ["process-1", "running", "101"]):
        assert any(all(word in line for word in words) for line in lines)
    (web,) = [line for line in lines if line.startswith("web")]
    assert web.split()[1] == "ended"
    assert web.rstrip().endswith("2  ended with code 1; started again in 4 s")
    assert "of before" not in web


def test_on_a_small_terminal_the_address_stays_and_what_does_not_run_is_shown_first():
    for height in (12, 10, 8):
        lines = painted(rows(12), height=height)
        assert len(lines) <= height
        assert lines[-1] == FOOTER[-1]
        assert any(line.startswith("web") for line in lines)
        assert any("more: make status" in line for line in lines)


def test_a_long_line_is_cut_and_never_takes_two():
    assert len(painted(rows(), height=30, width=40)) == len(painted(rows(), height=30, width=200))


def test_without_a_terminal_each_thing_is_said_once_without_codes(capsys):
    screen = PlainScreen()
    for _ in range(3):
        screen.show(Picture("preparing", rows()))
    screen.say("web ended")
    for _ in range(3):
        screen.show(Picture("Trading platform", rows(), {}, FOOTER))
    printed = capsys.readouterr().out
    assert printed.count("preparing") == printed.count("web ended") == printed.count(FOOTER[-1]) == 1
    assert "\x1b" not in printed
    assert printed.endswith(FOOTER[-1] + "\n")


class Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, text):
        raise OSError(5, "Input/output error")

    flush = write


def test_a_terminal_that_is_gone_keeps_nobody_from_going_on(monkeypatch):
    console = Console(file=Gone(), force_terminal=True)
    terminal = TerminalScreen(console)
    monkeypatch.setattr("sys.stdout", Gone())
    for screen in (terminal, PlainScreen()):
        screen.say("a line")
        screen.show(Picture("Trading platform", rows(), {}, FOOTER))
        screen.close()


def test_durations_have_two_units_at_most():
    assert [duration(seconds) for seconds in (0.4, 59, 61, 3_700, 90_000)] == ["0s", "59s", "1m 1s", "1h 1m", "1d 1h"]


def test_a_component_that_is_not_well_says_so_first():
    health = {
        "components": {
            "writer": {"status": "ok", "detail": "3 commands/s"},
            "valkey": {"status": "down", "detail": "refused"},
            "beat": {"status": "ok"},
        }
    }
    assert sentences(health) == {"writer": "3 commands/s", "valkey": "down: refused", "beat": ""}
    assert sentences({}) == {}
