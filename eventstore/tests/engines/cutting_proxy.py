"""A TCP proxy that breaks connections when it is told to: before a request reaches the server, or after, when the
answer is on its way. The server behind it is the real one. It knows short messages only, with a Content-Length.
"""

import socket
import threading
from urllib.parse import urlsplit


class CuttingProxy:
    """Listens on loopback; `cut` is "nothing", "request" or "answer", for the next request that says PutItem."""

    def __init__(self, url: str, *, operation: bytes = b"PutItem") -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._operation = operation
        self.cut = "nothing"
        self.cuts = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            while request := _message(client):
                is_meant = self._operation in request
                if is_meant and self.cut == "request":
                    self.cuts += 1
                    self.cut = "nothing"
                    return
                server.sendall(request)
                answer = _message(server)
                if is_meant and self.cut == "answer":
                    self.cuts += 1
                    self.cut = "nothing"
                    return
                client.sendall(answer)


def _message(connection: socket.socket) -> bytes:
    """Return one whole HTTP message, or nothing when the connection is closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65_536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        part = connection.recv(65_536)
        if not part:
            return b""
        body += part
    return head + b"\r\n\r\n" + body
