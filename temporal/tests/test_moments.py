"""Moments: what texts name them, and what is said of those that do not."""

from datetime import UTC, datetime

import pytest

from temporal.as_of.as_of import NOW, moment_of
from temporal.errors import FutureInstant, InvalidMoment

CLOCK = datetime(2026, 11, 23, 15, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-23T12:00:00Z", "2026-11-23T13:00:00+01:00", "2026-11-23T12:00:00.000000Z"])
def test_an_instant_is_read_in_any_time_zone(text):
    found = moment_of(at=text, version=None, now=CLOCK)
    assert (found.at, found.version) == (NOON, None)
    assert found.at.tzinfo is UTC


def test_a_version_is_a_moment_and_nothing_is_now():
    assert moment_of(at=None, version="7", now=CLOCK).version == 7
    assert moment_of(at=None, version=None, now=CLOCK) == NOW


@pytest.mark.parametrize(
    ("at", "version", "error", "says"),
    [
        ("2026-11-23T12:00:00", None, InvalidMoment, "has no time zone: add one, Z for UTC"),
        ("yesterday", None, InvalidMoment, "RFC 3339 with a time zone"),
        ("2026-11-31T12:00:00Z", None, InvalidMoment, "RFC 3339 with a time zone"),
        ("2026-11-23T15:00:00.000001Z", None, FutureInstant, "has not come yet: it is 2026-11-23T15:00:00Z"),
        (None, "0", InvalidMoment, "a whole number from 1"),
        (None, "-1", InvalidMoment, "a whole number from 1"),
        (None, "٣", InvalidMoment, "a whole number from 1"),
        (None, "9" * 19, InvalidMoment, "a whole number from 1"),
        ("2026-11-23T12:00:00Z", "1", InvalidMoment, "not both"),
    ],
)
def test_what_is_no_moment_is_refused_with_what_to_do(at, version, error, says):
    with pytest.raises(error, match=says):
        moment_of(at=at, version=version, now=CLOCK)
