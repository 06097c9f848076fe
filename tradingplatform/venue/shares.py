"""Which symbols are whose, when several venue processes share them: a symbol belongs to one share of a number, by a
stable hash, so that every process comes to the same without asking anybody.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Final

SHARES_MAX: Final = 64
_SHARE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})", re.ASCII)


class InvalidShare(ValueError):
    """A share is not written as it should be."""


@dataclass(frozen=True)
class Share:
    """The part `number` (from 1 on) of the symbols, of `count` parts."""

    number: int
    count: int

    def has(self, symbol: str) -> bool:
        """Tell whether a symbol is of this share."""
        return zlib.crc32(symbol.encode()) % self.count == self.number - 1


ALL: Final = Share(1, 1)


def parse_share(text: str) -> Share:
    """Return the share that a text such as "1/2" names; raises InvalidShare."""
    matched = _SHARE.fullmatch(text)
    if matched is None or not 1 <= int(matched[1]) <= int(matched[2]) <= SHARES_MAX:
        raise InvalidShare(f'a share is written as "1/2", the first of two and at most {SHARES_MAX}, found {text!r}')
    return Share(int(matched[1]), int(matched[2]))
