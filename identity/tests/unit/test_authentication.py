"""An Authorization header is read as RFC 9110 has it (11.1, 11.4), on every way in."""

import pytest

from identity.api_keys import bearer_key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer tp_x", "tp_x"),
        ("bearer tp_x", "tp_x"),
        ("BEARER    tp_x", "tp_x"),
        ("  bEaRer tp_x  ", "tp_x"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer a b", "a b"),
        ("", None),
        ("Bearertp_x", None),
        ("Bearer\ttp_x", None),
        ("Basic Bearer tp_x", None),
        ("Token tp_x", None),
    ],
)
def test_the_key_is_what_follows_the_scheme(header, key):
    assert bearer_key(header) == key
