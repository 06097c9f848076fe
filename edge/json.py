"""JSON that a caller sent: decoded, or refused with one error that says why.

Refused are: what is no JSON or not UTF-8, a byte order mark, NaN and Infinity, lone surrogates, numbers that no figure
of ours can have, and nesting beyond what a decoder can take. Of a name that an object has twice the last one counts.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class InvalidJson(ValueError):
    """What was sent is not JSON of the wanted form; the message says what is wrong with it."""


def decode_json(text: bytes | str | msgspec.Raw, *, type: Any = Any) -> Any:
    """Return what JSON says, as a `type` that msgspec knows; raises InvalidJson."""
    try:
        with refusing_invalid_json():
            return msgspec.json.decode(text, type=type)
    except InvalidJson as error:
        # msgspec says of half a surrogate pair that the data were truncated.
        if "truncated" in str(error) and _SURROGATE.search(text.encode() if isinstance(text, str) else bytes(text)):
            raise InvalidJson("a text has half of a surrogate pair") from None
        raise


@contextmanager
def refusing_invalid_json() -> Iterator[None]:
    """Raise InvalidJson for whatever a decoder finds wrong."""
    try:
        yield
    except RecursionError:
        # Without its cause: a traceback of a thousand frames says nothing, and would hold what was sent.
        raise InvalidJson("it is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise InvalidJson(f"it is not UTF-8 (byte {error.start} of a text)") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidJson(str(error)) from None
