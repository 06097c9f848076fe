"""Free TCP ports on loopback."""

import random
import socket
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
PORTS_TRIED_MAX: Final = 100
PORT_MIN: Final = 10_000
PORT_MAX: Final = 65_535
_EPHEMERAL_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that is free now and that no outgoing connection is given by the kernel.

    In the kernel's own range a client that keeps trying a server that is away ends up, once in some ten thousand
    tries, connected to itself: then the server finds its port taken when it comes back.
    """
    first_ephemeral = int(_EPHEMERAL_RANGE.read_text().split()[0])
    if first_ephemeral > PORT_MIN + PORTS_TRIED_MAX:
        for _ in range(PORTS_TRIED_MAX):
            port = random.randrange(PORT_MIN, first_ephemeral)  # noqa: S311 - not a secret.
            if _is_free(port):
                return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        found: int = probe.getsockname()[1]
        return found


def next_free_port(first: int) -> int:
    """Return the first free port from `first` on; raises OSError when a hundred in a row are taken."""
    last = min(first + PORTS_TRIED_MAX - 1, PORT_MAX)
    for port in range(first, last + 1):
        if _is_free(port):
            return port
    raise OSError(f"ports {first} to {last} are all taken: set WEB_PORT to another")


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
