"""Free TCP ports on loopback."""

import socket
from typing import Final

HOST: Final = "127.0.0.1"
PORTS_TRIED_MAX: Final = 100


def free_port() -> int:
    """Return a port that is free now, chosen by the kernel."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def next_free_port(first: int) -> int:
    """Return the first free port from `first` on; raises OSError when a hundred in a row are taken."""
    for port in range(first, first + PORTS_TRIED_MAX):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise OSError(f"ports {first} to {first + PORTS_TRIED_MAX - 1} are all taken: set WEB_PORT to another")


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
