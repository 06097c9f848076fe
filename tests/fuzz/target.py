"""The running platform as a client sees it: requests of any form over plain sockets, WebSockets, and who may ask.

Nothing here checks or encodes what is sent, as a client library would.
"""

import base64
import http.client
import json
import os
import socket
import struct
import time
from contextlib import suppress
from random import Random
from typing import Final

from tests.fuzz.judge import Answer, Judge

Headers = list[tuple[str, str]]
TIMEOUT_SECONDS: Final = 20.0
JSON_TYPE: Final = ("Content-Type", "application/json")


class Target:
    """One platform under test; every answer goes to the judge under the name of the current case."""

    def __init__(self, port: int, judge: Judge, credentials: dict[str, Headers], known: dict[str, list[str]]) -> None:
        self.port = port
        self.judge = judge
        self.credentials = credentials
        self.known = known
        self.way = self.case = ""
        self.held_open: list[socket.socket] = []

    def begin(self, way: str, number: int) -> None:
        """Name the case that what follows belongs to."""
        self.way, self.case = way, f"{way} {number}"
        self.judge.cases[way] += 1

    def somebody(self, random: Random) -> Headers:
        """Return the headers of one of those who may ask, often a trader's."""
        names = [*self.credentials, "trader", "trader"]
        return self.credentials[random.choice(names)]

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_SECONDS)

    def ask(self, method: str, path: str, headers: Headers = [], body: bytes | None = None) -> Answer:  # noqa: B006
        """Send a request that is whole, and judge its answer."""
        return self.send(whole_request(self.port, method, path, headers, body), path=path, method=method)

    def send(self, request: bytes, *, path: str = "/", method: str = "GET", may_be_cut: bool = False) -> Answer:
        """Send bytes, and judge the first answer to them."""
        began = time.monotonic()
        status, found, content = 0, {}, b""
        with self.connect() as connection:
            with suppress(OSError):  # Refused before it was read: the answer says why.
                connection.sendall(request)
            try:
                response = http.client.HTTPResponse(connection, method=method)
                response.begin()
                found = {name.lower(): value for name, value in response.getheaders()}
                content = response.read(2_000_000)
                status = response.status
            except (OSError, http.client.HTTPException):
                status = status or 0
        answer = Answer(status, found, content, time.monotonic() - began)
        sent = request[:300].decode("latin-1")
        for _, value in (pair for pairs in self.credentials.values() for pair in pairs):
            sent = sent.replace(value, "(credential)")
        self.judge.answer(
            way=self.way,
            case=self.case,
            sent=sent.replace("\r\n", " | "),
            path=path.partition("?")[0],
            answer=answer,
            may_be_cut=may_be_cut,
        )
        return answer

    def graphql(self, body: str, headers: Headers) -> Answer:
        """Send a body to /graphql; half surrogates go out as the bytes that some programs make of them."""
        content = body.encode("utf-8", "surrogatepass")
        return self.ask("POST", "/graphql", [JSON_TYPE, *headers], content)


def whole_request(port: int, method: str, path: str, headers: Headers, body: bytes | None) -> bytes:
    """Return the bytes of a request, with Host and Content-Length unless they are given."""
    names = {name.lower() for name, _ in headers}
    sent = list(headers)
    if "host" not in names:
        sent.insert(0, ("Host", f"127.0.0.1:{port}"))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        sent.append(("Content-Length", str(len(body))))
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent)
    head = f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("utf-8", "surrogateescape")
    return head + (body or b"")


def graphql_body(query: str, variables: str | None = None, more: str = "") -> str:
    """Return the body of a request; `variables` and `more` are JSON already, or meant not to be."""
    given = "" if variables is None else f', "variables": {variables}'
    return f'{{"query": {json.dumps(query)}{given}{more}}}'


def handshake(port: int, path: str, headers: Headers) -> bytes:
    """Return the request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    opening = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    return whole_request(port, "GET", path, [*opening, ("Sec-WebSocket-Key", key), *headers], None)


def frame(
    opcode: int, content: bytes, *, final: bool = True, masked: bool = True, bits: int = 0, length: int = -1
) -> bytes:
    """Return a WebSocket frame (RFC 6455), sound or not: `bits` are the reserved ones, `length` what it claims."""
    size = len(content) if length < 0 else length
    first = (0x80 if final else 0) | (bits << 4) | opcode
    mask = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    if not masked:
        return head + content
    key = b"\x37\xfa\x21\x3d"
    repeated = (key * (len(content) // 4 + 1))[: len(content)]
    mixed = (int.from_bytes(content, "big") ^ int.from_bytes(repeated, "big")).to_bytes(len(content), "big")
    return head + key + mixed


def close_code(received: bytes) -> int | None:
    """Return the code of the close frame in what a server sent, 1005 without a code, None when there is none."""
    place = 0
    while place + 2 <= len(received):
        opcode, size = received[place] & 0x0F, received[place + 1] & 0x7F
        place += 2
        if size == 126:
            size = int.from_bytes(received[place : place + 2], "big")
            place += 2
        elif size == 127:
            size = int.from_bytes(received[place : place + 8], "big")
            place += 8
        if opcode == 8:
            return int.from_bytes(received[place : place + 2], "big") if size >= 2 else 1005
        place += size
    return None
