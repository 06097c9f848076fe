"""Keys for the bus between machines: CURVE (ZeroMQ RFC 26) encrypts, and lets only known callers in.

A folder of keys has `writer.key` and `writer.key_secret`, `caller.key` and `caller.key_secret`, and in `callers/` the
public key of every caller that a writer lets in. A writer needs its secret and `callers/`; a caller its own secret and
`writer.key`. On one machine (ipc) the file system says who may connect, and no keys are needed.
"""

import shutil
from pathlib import Path
from typing import Any, Final

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

_CALLERS: Final = "callers"


class KeysUnusable(Exception):
    """A key is missing or is none."""


def create_keys(folder: Path) -> None:
    """Make a pair for the writers and one for their callers; raises FileExistsError rather than replace any."""
    existing = [path for path in (folder / "writer.key", folder / "caller.key") if path.exists()]
    if existing:
        raise FileExistsError(f"{existing[0]} is there already: name another folder, or remove the keys yourself")
    (folder / _CALLERS).mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("writer", "caller"):
        _, secret = zmq.auth.create_certificates(folder, name)
        Path(secret).chmod(0o600)
    shutil.copy(folder / "caller.key", folder / _CALLERS)


def secure_writer(context: "zmq.Context[Any]", socket: "zmq.Socket[bytes]", folder: Path) -> ThreadAuthenticator:
    """Let only callers with a key in `callers/` talk to a socket, encrypted; the result is to be stopped at the end."""
    public, secret = _pair(folder / "writer.key_secret")
    if not list((folder / _CALLERS).glob("*.key")):
        raise KeysUnusable(f"{folder / _CALLERS} has no key of a caller: nobody could send a command")
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve(domain="*", location=folder / _CALLERS)
    socket.curve_publickey, socket.curve_secretkey, socket.curve_server = public, secret, True
    return authenticator


def secure_caller(socket: "zmq.Socket[Any]", folder: Path) -> None:
    """Make a socket talk to the writer of `writer.key` only, encrypted."""
    public, secret = _pair(folder / "caller.key_secret")
    socket.curve_publickey, socket.curve_secretkey = public, secret
    socket.curve_serverkey = _load(folder / "writer.key")[0]


def _pair(path: Path) -> tuple[bytes, bytes]:
    public, secret = _load(path)
    if secret is None:
        raise KeysUnusable(f"{path} holds no secret key: make keys with `manage.py create_writer_keys`")
    return public, secret


def _load(path: Path) -> tuple[bytes, bytes | None]:
    try:
        return zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise KeysUnusable(f"{path} cannot be read ({error}): make keys with `manage.py create_writer_keys`") from error
