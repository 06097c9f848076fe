"""JSON of a caller is decoded, or refused with one short error, whatever it is."""

import time

import msgspec
import pytest

from edge.json import InvalidJson, decode_json

WRONG = {
    "nothing": b"",
    "no JSON": b"hello",
    "lists without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 100_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "bad UTF-8": b'"\xff"',
    "bad UTF-8 in a name": b'{"\xc3\x28": 1}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "a number without end": b"9" * 100_000,
    "a number beyond floats": b"1e999",
    "a lone surrogate": b'"\\ud800 "',
    "a raw control character": b'"\n"',
    "more after the end": b"{} {}",
    "a comment": b"{} // x",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_it_is_refused_at_once_with_a_short_reason(text):
    began = time.perf_counter()
    with pytest.raises(InvalidJson) as raised:
        decode_json(text)
    assert time.perf_counter() - began < 1
    assert len(str(raised.value)) < 200
    assert raised.value.__cause__ is None  # A chain of tracebacks would hold what was sent.


def test_a_name_that_is_given_twice_is_refused_anywhere_but_in_a_batch():
    for text in (b'{"a": 1, "a": 1}', '[{"b": {"a": 1, "b": 2, "a": "x"}}]', b'{"\\u0061": 1, "a": 2}'):
        with pytest.raises(InvalidJson, match="an object has the name 'a' 2 times"):
            decode_json(text)
    assert decode_json(b'[{"a": 1}, {"a": 1}]') == [{"a": 1}, {"a": 1}]
    batch = b"[" + b'{"a": 1, "a": 2},' * 5_000 + b'{"a": 3}]'
    assert decode_json(batch)[0] == {"a": 2}


class Login(msgspec.Struct):
    password: str


def test_an_error_of_the_form_says_where_and_never_what():
    with pytest.raises(InvalidJson) as raised:
        decode_json(b'{"password": ["hunter2"]}', type=Login)
    assert str(raised.value) == "Expected `str`, got `array` - at `$.password`"


def test_what_is_right_is_decoded():
    assert decode_json(b'{"a": [1, "\\ud83d\\ude00\\u0000", 1e3, null], "b": 2}') == {
        "a": [1, "\U0001f600\x00", 1000.0, None],
        "b": 2,
    }
