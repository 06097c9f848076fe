"""Columns of identifiers as bits: of canonical UUIDs their 128, less what all have in common; of others their texts.

    0, lengths, bytes          texts, one after the other
    1, high, low               UUIDs as two columns of 64 bits
    2, common, high, low       UUIDs of one version and variant, which are not repeated: 60 and 62 bits

Identifiers are rows of TEXT_BYTES, one after the other, zeros behind each.
"""

from typing import Any, Final

import numpy as np

from eventstore.kernels.compiling import Integers, Octets, kernel
from eventstore.kernels.message_pack import UUID_CHARACTERS, identifier_length
from eventstore.kernels.octets import put_low_word, put_octets
from eventstore.kernels.packing import DAMAGED, put_integers_packed, take_integers_packed
from eventstore.kernels.texts import TEXT_BYTES

_TEXTS: Final = 0
_UUIDS: Final = 1
_COMMON_UUIDS: Final = 2

_DASH: Final = ord("-")
_NO_DIGIT: Final = 0xFF
_DIGITS: Final = np.full(256, _NO_DIGIT, np.uint8)
"""By character, the value of a lower-case hexadecimal digit."""
for _value, _character in enumerate(b"0123456789abcdef"):
    _DIGITS[_character] = _value

_HALF: Final = np.uint64(0xFFFFFFFF)
_HALF_BITS: Final = np.uint64(32)
_FOUR: Final = np.uint64(4)
_VERSION_PLACE: Final = np.uint64(12)
_VERSION_BITS: Final = np.uint64(0xF)
_BELOW_VERSION: Final = np.uint64(0xFFF)
_VARIANT_PLACE: Final = np.uint64(62)
_BELOW_VARIANT: Final = np.uint64((1 << 62) - 1)


@kernel()
def _uuid_at(rows: Octets, start: int) -> tuple[bool, Any, Any]:
    """Return whether 36 characters are a canonical UUID, and its two halves."""
    high, low, wrong, at = np.uint64(0), np.uint64(0), np.uint8(0), start
    for index in range(32):
        if index == 8 or index == 12 or index == 16 or index == 20:
            wrong |= np.uint8(rows[at] != _DASH) << np.uint8(7)
            at += 1
        digit = _DIGITS[rows[at]]
        wrong |= digit & np.uint8(0xF0)
        if index < 16:
            high = high << _FOUR | np.uint64(digit & np.uint8(0xF))
        else:
            low = low << _FOUR | np.uint64(digit & np.uint8(0xF))
        at += 1
    return wrong == np.uint8(0), high, low


@kernel()
def _hexadecimal(bits: Any) -> Any:
    """Return the eight characters of 32 bits as a word whose lowest byte is the first of them."""
    word = np.uint64(bits)
    word = (word << np.uint64(32) | word >> np.uint64(16)) & np.uint64(0x0000FFFF_0000FFFF)
    word = (word << np.uint64(16) | word >> np.uint64(8)) & np.uint64(0x00FF00FF_00FF00FF)
    word = (word << np.uint64(8) | word >> np.uint64(4)) & np.uint64(0x0F0F0F0F_0F0F0F0F)
    are_letters = (word + np.uint64(0x06060606_06060606)) >> np.uint64(4) & np.uint64(0x01010101_01010101)
    return word + np.uint64(0x30303030_30303030) + are_letters * np.uint64(ord("a") - ord("9") - 1)


@kernel()
def _put_characters(rows: Octets, place: int, word: Any) -> None:
    put_low_word(rows, place, np.int64(word))  # type: ignore[arg-type]


@kernel()
def _put_uuid_text(rows: Octets, start: int, high: Any, low: Any) -> None:
    """Write a UUID as its 36 characters, which have the dashes behind the 8th, 12th, 16th and 20th digit."""
    second, third = _hexadecimal(high & _HALF), _hexadecimal(low >> _HALF_BITS)
    dash, dash_behind = np.uint64(_DASH), np.uint64(_DASH) << _HALF_BITS
    _put_characters(rows, start, _hexadecimal(high >> _HALF_BITS))
    _put_characters(rows, start + 8, dash | (second & _HALF) << np.uint64(8) | dash_behind << np.uint64(8))
    _put_characters(rows, start + 14, second >> _HALF_BITS | dash_behind)
    _put_characters(rows, start + 19, third & _HALF | dash_behind)
    _put_characters(rows, start + 24, third >> _HALF_BITS)
    _put_characters(rows, start + 28, _hexadecimal(low & _HALF))


@kernel("i8(u1[::1], i8, u1[::1], i8[::1], i8[::1])")
def put_identifiers_packed(buffer: Octets, place: int, rows: Octets, highs: Integers, lows: Integers) -> int:
    """Write a column of identifiers; `highs` and `lows` i8[n] are overwritten."""
    count = rows.size // TEXT_BYTES
    all_uuids, same = count > 0, True
    common = np.uint64(0)
    for row in range(count):
        is_uuid, high, low = False, np.uint64(0), np.uint64(0)
        if identifier_length(rows, row) == UUID_CHARACTERS:
            is_uuid, high, low = _uuid_at(rows, row * TEXT_BYTES)
        if not is_uuid:
            all_uuids = False
            break
        of_row = (high >> _VERSION_PLACE & _VERSION_BITS) << np.uint64(2) | low >> _VARIANT_PLACE
        common = of_row if row == 0 else common
        same = same and of_row == common
        highs[row], lows[row] = np.int64(high), np.int64(low)
    if all_uuids:
        buffer[place] = _COMMON_UUIDS if same else _UUIDS
        place += 1
        if same:
            buffer[place] = np.uint8(common)
            place += 1
            for row in range(count):
                high, low = np.uint64(highs[row]), np.uint64(lows[row])
                above = high >> (_VERSION_PLACE + _FOUR)
                highs[row] = np.int64(above << _VERSION_PLACE | high & _BELOW_VERSION)
                lows[row] = np.int64(low & _BELOW_VARIANT)
        place = put_integers_packed(buffer, place, highs, count)
        return put_integers_packed(buffer, place, lows, count)
    buffer[place] = _TEXTS
    for row in range(count):
        highs[row] = identifier_length(rows, row)
    place = put_integers_packed(buffer, place + 1, highs, count)
    for row in range(count):
        put_octets(buffer, place, rows, row * TEXT_BYTES, highs[row])
        place += highs[row]
    return place


@kernel("i8(u1[::1], i8, i8, u1[::1], i8[::1], i8[::1])")
def take_identifiers_packed(buffer: Octets, place: int, end: int, rows: Octets, highs: Integers, lows: Integers) -> int:
    """Read a column of identifiers into rows that are zeros; return the place behind it, or DAMAGED."""
    count = rows.size // TEXT_BYTES
    if place < 0 or place >= end or buffer[place] > _COMMON_UUIDS:
        return DAMAGED
    form = buffer[place]
    place += 1
    if form == _TEXTS:
        place = take_integers_packed(buffer, place, end, highs, count)
        if place < 0:
            return DAMAGED
        for row in range(count):
            length = highs[row]
            if length < 0 or length > TEXT_BYTES or length > end - place:
                return DAMAGED
            for index in range(length):
                if buffer[place + index] == 0:
                    return DAMAGED
                rows[row * TEXT_BYTES + index] = buffer[place + index]
            place += length
        return place
    common = np.uint64(0)
    if form == _COMMON_UUIDS:
        if place >= end or buffer[place] >= 64:
            return DAMAGED
        common = np.uint64(buffer[place])
        place += 1
    place = take_integers_packed(buffer, place, end, highs, count)
    place = take_integers_packed(buffer, place, end, lows, count)
    if place < 0:
        return DAMAGED
    for row in range(count):
        high, low = np.uint64(highs[row]), np.uint64(lows[row])
        if form == _COMMON_UUIDS:
            above = high >> _VERSION_PLACE << (_VERSION_PLACE + _FOUR)
            high = above | common >> np.uint64(2) << _VERSION_PLACE | high & _BELOW_VERSION
            low = common << _VARIANT_PLACE | low & _BELOW_VARIANT
        _put_uuid_text(rows, row * TEXT_BYTES, high, low)
    return place
