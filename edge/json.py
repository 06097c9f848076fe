"""JSON that a caller sent: decoded, or refused with one error that says why.

Refused are: what is no JSON or not UTF-8, a byte order mark, NaN and Infinity, lone surrogates, numbers that no figure
of ours can have, nesting beyond what a decoder can take, and a name that an object has twice. To look for that costs
more than to decode, so in what is longer than any single command (a batch) the last one of a name counts.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

T = TypeVar("T")

NAMES_LOOKED_AT_BYTES_MAX: Final = 65_536
"""Up to this size names are looked at."""
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


class InvalidJson(ValueError):
    """What was sent is not JSON of the wanted form; the message says what is wrong with it."""


def decode_json(text: bytes | str | msgspec.Raw, *, type: Any = Any) -> Any:
    """Return what JSON says, as a `type` that msgspec knows; raises InvalidJson."""
    try:
        with refusing_invalid_json():
            decoded = msgspec.json.decode(text, type=type)
            if not isinstance(text, msgspec.Raw) and len(text) <= NAMES_LOOKED_AT_BYTES_MAX:
                _names_once(text if isinstance(text, str) else text.decode())
            return decoded
    except InvalidJson as error:
        # msgspec says of half a surrogate pair that the data were truncated.
        if "truncated" in str(error) and _SURROGATE.search(text.encode() if isinstance(text, str) else bytes(text)):
            raise InvalidJson("a text has half of a surrogate pair") from None
        raise


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        doubled = next(name for name in names if names.count(name) > 1)
        raise InvalidJson(f"an object has the name {doubled[:40]!r} {names.count(doubled)} times")


_names_once: Final = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_float=len).decode
"""Decodes JSON that is known to be some, for nothing but its names."""


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


class JsonBodyParser(BaseParser):
    """Bodies of REST requests."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """Return what the body says; raises ParseError, a 400."""
        try:
            return decode_json(stream.read())
        except InvalidJson as error:
            raise ParseError(f"the body is not JSON: {error}") from None
