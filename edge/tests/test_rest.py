"""What is asked is what is declared, once and in the documented form, or it is refused by name."""

from datetime import UTC, date, datetime

import pytest
from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from edge.rest import BodySerializer, Choice, Day, Flag, Id, Instant, Text, WholeNumber, check

ID = "0b5c1f3e-0000-4000-8000-00000000000a"


class Page(serializers.Serializer):
    limit = WholeNumber(min_value=1, max_value=500, default=50)
    order = Choice(["newest", "oldest"], default="newest")


class Asked(serializers.Serializer):
    at = Instant(required=False)
    day = Day(required=False)
    cursor = Id(required=False)
    text = Text(required=False, max_length=20)
    valued = Flag(default=False)


TAKES = (Page, Asked)


def refused(query):
    with pytest.raises(ValidationError) as raised:
        check(TAKES, QueryDict(query))
    ((name, reasons),) = raised.value.detail.items()
    return name, str(reasons[0] if isinstance(reasons, list) else reasons)


def test_nothing_asked_is_the_defaults():
    assert check(TAKES, QueryDict("")) == {"limit": 50, "order": "newest", "valued": False}


def test_what_is_asked_is_checked_and_typed():
    query = f"limit=7&order=oldest&at=2026-01-31T10:30:00.5%2B01:00&day=2026-02-28&cursor={ID}&text=%20a%22&valued=true"
    asked = check(TAKES, QueryDict(query))
    assert asked["at"] == datetime(2026, 1, 31, 9, 30, 0, 500_000, UTC)
    assert (asked["limit"], asked["day"], str(asked["cursor"])) == (7, date(2026, 2, 28), ID)
    assert (asked["text"], asked["valued"]) == (' a"', True)


@pytest.mark.parametrize(
    "name", ["Limit", "LIMIT", "limit ", "limits", "limit[]", "at%00", "%FF", "format", "x" * 5_000]
)
def test_an_unknown_name_is_refused_with_those_that_there_are(name):
    found, reason = refused(f"{name}=1")
    assert len(found) <= 40
    assert reason == ("there is no such parameter here: it takes at, cursor, day, limit, order, text, valued")


@pytest.mark.parametrize(
    ("query", "name"),
    [("limit=1&limit=1", "limit"), ("limit=", "limit"), ("text=%FF", "text"), ("order", "order"), ("at=&at=", "at")],
)
def test_what_is_given_twice_or_empty_or_is_not_utf8_is_refused(query, name):
    found, reason = refused(query)
    assert found == name
    assert (
        reason in ("it is given 2 times: give it once", "it is empty: leave it out, or say what") or "UTF-8" in reason
    )


WRONG = {
    "limit": ["5_0", "%205", "5%20", "%2B5", "%D9%A5", "1e2", "0x10", "05", "5.0", "true", "-1", "0", "501", "9" * 999],
    "order": ["Newest", "newest%20", "newest,oldest", "1"],
    "at": [
        "now", "2024-02-30T00:00:00Z", "2024-W05-1T00:00:00Z", "0000-01-01T00:00:00Z", "2024-01-01T00:00:00%2B25:00",
        "2024-01-01T00:00:00.123456789Z", "2024-01-01",
        "2024-01-01T00:00Z", "2024-01-01T00:00:00+01:00", "20240101T000000Z", "2024-01-01T00:00:00", "1704067200",
        "2024-01-01T25:00:00Z", "10000-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00",
        "%D9%A2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z%20",
    ],
    "day": ["2024-02-30", "2024-1-1", "20240101", "2024-W05-1", "0000-01-01", "2024-01-01T00:00:00Z", "today"],
    "cursor": [ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", "1", ID + "0"],
    "text": ["a" * 21, "a%0A", "a%7F"],
    "valued": ["True", "1", "yes", "on", "t", "null", "TRUE", "0"],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_another_form_than_the_documented_one_is_refused(name):
    for value in WRONG[name]:
        found, reason = refused(f"{name}={value}")
        assert (found, len(reason) < 300) == (name, True), value


def test_the_extremes_are_taken():
    assert check(TAKES, QueryDict("limit=500"))["limit"] == 500
    assert check(TAKES, QueryDict("at=9999-12-31T23:59:59Z"))["at"].year == 9999
    assert check(TAKES, QueryDict("at=0001-01-01T00:00:00Z"))["at"].year == 1
    assert check(TAKES, QueryDict("day=9999-12-31"))["day"] == date(9999, 12, 31)


class Body(BodySerializer):
    days = WholeNumber(min_value=1, max_value=10)
    name = Text()


WRONG_BODIES = (
    {"days": "5_0", "name": "a"},
    {"days": True, "name": "a"},
    {"days": 1.5, "name": "a"},
    {"days": [1], "name": "a"},
    {"days": 10**400, "name": "a"},
    {"days": 1, "name": 5},
    {"days": 1, "name": "a", "Name": "b"},
    [],
    "x",
    None,
    {},
)


@pytest.mark.parametrize("body", WRONG_BODIES)
def test_a_body_is_held_to_the_same_rules(body):
    assert not Body(data=body).is_valid()


def test_a_body_as_declared_is_taken():
    checked = Body(data={"days": 7, "name": " a"})
    assert checked.is_valid()
    assert checked.validated_data == {"days": 7, "name": " a"}
