"""Columns of identifiers, packed: canonical UUIDs as 16 bytes each, anything else as the texts that they are.

A lower-case UUID with its dashes carries 128 bits in 36 characters; packed, a journal of trades is a fifth smaller.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

UUID_BYTES: Final = 16
_UUID_CHARACTERS: Final = 36
_DASH_PLACES: Final = (8, 13, 18, 23)
_KEPT_MAX: Final = 200_000

PackedIdentifiers: TypeAlias = bytes | list[str | None] | None
"""16 bytes for each UUID; or every text; or None when there is not one."""


def pack(identifiers: Sequence[str | None]) -> PackedIdentifiers:
    """Return a column of identifiers in its smallest form; `unpack` gives exactly the same back."""
    if identifiers.count(None) == len(identifiers):
        return None
    packed = None if None in identifiers else _packed(identifiers)  # type: ignore[arg-type]
    return list(identifiers) if packed is None else packed


def _packed(texts: Sequence[str]) -> bytes | None:
    """Return 16 bytes for each text, None when one of them is not a canonical UUID. No loop of ours: all at once."""
    joined, count = "".join(texts), len(texts)
    digits = joined.replace("-", "")
    if (
        set(map(len, texts)) != {_UUID_CHARACTERS}
        or len(digits) != count * 2 * UUID_BYTES
        or any(joined[place::_UUID_CHARACTERS] != "-" * count for place in _DASH_PLACES)
        or digits != digits.lower()
    ):
        return None
    try:
        packed = bytes.fromhex(digits)
    except ValueError:
        return None
    return packed if len(packed) == count * UUID_BYTES else None  # Spaces are no digits, and it passes over them.


def unpack(packed: PackedIdentifiers, *, count: int) -> Sequence[str | None]:
    """Return the identifiers of a column; raises ValueError when there are not `count` of them."""
    if packed is None:
        return (None,) * count
    identifiers = _texts(packed) if isinstance(packed, bytes) else packed
    if len(identifiers) != count:
        raise ValueError(f"a column of identifiers holds {len(identifiers)} where {count} belong")
    return identifiers


class KnownIdentifiers:
    """Unpacks identifiers that come again and again: each distinct text is made once, and shared.

    Any number of threads may use it at once: what one of them looks up is never taken away from it, only replaced.
    """

    def __init__(self) -> None:
        self._texts: dict[bytes, str] = {}

    def unpack(self, packed: PackedIdentifiers, *, count: int) -> Sequence[str | None]:
        """Return what the function `unpack` does."""
        if not isinstance(packed, bytes) or len(packed) != count * UUID_BYTES:
            return unpack(packed, count=count)
        texts = self._texts
        keys = [packed[start : start + UUID_BYTES] for start in range(0, len(packed), UUID_BYTES)]
        try:
            return [texts[key] for key in keys]
        except KeyError:
            if len(texts) > _KEPT_MAX:
                texts = self._texts = {}
            for key, text in zip(keys, _texts(packed), strict=True):
                texts.setdefault(key, text)
            return [texts[key] for key in keys]


def _texts(packed: bytes) -> list[str]:
    digits = packed.hex()
    return [
        f"{digits[i : i + 8]}-{digits[i + 8 : i + 12]}-{digits[i + 12 : i + 16]}-{digits[i + 16 : i + 20]}-"
        f"{digits[i + 20 : i + 32]}"
        for i in range(0, len(digits), 2 * UUID_BYTES)
    ]
