"""WebSockets: frames of every kind, on every path."""

import socket
import time
from contextlib import suppress
from random import Random
from typing import Final
from urllib.parse import quote

from tests.fuzz.target import Target, close_code, frame, handshake
from tests.fuzz.values import any_json, any_text

SOCKETS: Final = ("/ws/accounts", "/ws/market", "/ws/dashboard", "/ws/accounts/{account_id}", "/ws/nothing")

CODE_OF_OURS: Final = 4095


class SocketWays:
    """What can be sent over a socket."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def frames(self, random: Random) -> None:
        """Send one case."""
        path = random.choice(SOCKETS).replace("{account_id}", random.choice(self._target.known["account_id"]))
        if random.random() < 0.1:
            path += "?" + quote(any_text(random)[:500], errors="replace")
        headers = self._target.somebody(random)
        if random.random() < 0.9:  # Sessions are let in from pages of this site only.
            headers = [*headers, ("Origin", f"http://127.0.0.1:{self._target.port}")]
        sent = handshake(self._target.port, path, headers)
        with self._target.connect() as connection:
            connection.settimeout(3)
            connection.sendall(sent)
            opened = _until(connection, b"\r\n\r\n")
            if b" 101 " not in opened[:20]:
                status = int(opened[9:12]) if opened[9:12].isdigit() else 0
                self._target.judge.statuses[f"{self._target.way} {status}"] += 1
                if status >= 500 or status == 0:
                    self._target.judge.find(self._target.case, path, [f"the handshake was answered {opened[:200]!r}"])
                return
            received = opened.partition(b"\r\n\r\n")[2]
            frames = b"".join(_frames(random))
            with suppress(OSError):
                connection.sendall(frames + frame(8, b"\x03\xe8"))
            received += _until(connection, None)
        code = close_code(received)
        if code == CODE_OF_OURS:  # The server gives back the code that it was sent.
            code = 1000
        described = f"{path} {frames[:120]!r}"
        self._target.judge.closed(
            way=self._target.way, case=self._target.case, sent=described, code=1006 if code is None else code
        )


def _until(connection: socket.socket, mark: bytes | None) -> bytes:
    received = b""
    deadline = time.monotonic() + 3
    with suppress(OSError):
        while (mark is None or mark not in received) and time.monotonic() < deadline:
            part = connection.recv(65_536)
            if not part:
                break
            received += part
    return received


def _frames(random: Random) -> list[bytes]:
    """Return a few frames, sound or not."""
    made = []
    for _ in range(random.randint(1, 6)):
        text = random.choice(
            (
                any_json(random),
                '{"type": "resync"}',
                f'{{"type": {any_json(random)}}}',
                f'{{"type": "resync", "a": {any_json(random)}}}',
            )
        )
        content = text.encode("utf-8", "surrogatepass")[:2_000_000]
        made += random.choice(
            (
                [frame(1, content)],
                [frame(1, content)] * 3,
                [frame(2, content)],
                [frame(1, content[:5], final=False), frame(9, b"ping"), frame(0, content[5:])],
                [frame(1, b"", final=False)] + [frame(0, b"x", final=False)] * 50 + [frame(0, b"")],
                [frame(1, b"\xff\xfe\xc0\x80")],
                [frame(0, content)],
                [frame(9, b"x" * random.choice((0, 125, 126)))] * 20,
                [frame(10, b"unasked")],
                [frame(random.choice((3, 7, 11, 15)), b"")],
                [frame(1, content, masked=False)],
                [frame(1, b"x", bits=random.randrange(1, 8))],
                [frame(1, b"x", length=2**63 - 1)],
                [frame(1, b"x", length=2**64 - 1)],
                [
                    frame(
                        8,
                        random.choice(
                            (
                                b"",
                                b"\x00",
                                b"\x00\x00",
                                b"\x03\xed",
                                CODE_OF_OURS.to_bytes(2, "big"),
                                b"\x03\xe8\xff\xff",
                                b"\x03\xe8" + b"r" * 200,
                            )
                        ),
                    )
                ],
                [frame(1, b'{"type": "resync"}')] * random.choice((10, 45, 400)),
                [random.randbytes(random.randrange(1, 100))],
            )
        )
    return made
