"""A shape is one declaration: JSON, OpenAPI, GraphQL and TypeScript all say the same of it."""

import asyncio
from datetime import UTC, date, datetime
from types import SimpleNamespace

import graphene
import pytest
from rest_framework import serializers

from accounts import shapes as s
from edge import turns
from edge.tests.turns import turns_during


class Inner(s.ObjectShape):
    """What is inside."""

    cash = s.Money("Cash")
    held = s.Shares(of="position.quantity")


class Whole(s.ObjectShape):
    """Everything."""

    account_id = s.Id()
    inner = s.Inline(Inner, of="state")
    again = s.One(Inner, of="state")
    each = s.Each(Inner, of="states")
    at = s.Instant()
    day = s.Day(null=True)
    share = s.Percent()
    growth = s.Ratio()
    side = s.Choice(("BUY", "SELL"), "Which way")
    count = s.Count(of=lambda source: len(source.states))
    extra = s.Text(optional=True)


STATE = SimpleNamespace(cash=12_345_678, position=SimpleNamespace(quantity=2_500_000))
SOURCE = SimpleNamespace(
    account_id="a", state=STATE, states=[STATE, STATE], at=datetime(2026, 1, 5, 12, 0, 0, 7, UTC), day=None,
    share=1234, growth=-12_500, side="BUY", extra=None,
)  # fmt: skip
INNER = {"cash": "1234.5678", "held": "2.5"}


def test_json_is_shown_by_the_kinds_of_the_fields():
    assert Whole.show(SOURCE) == {
        "account_id": "a",
        **INNER,
        "again": INNER,
        "each": [INNER, INNER],
        "at": "2026-01-05T12:00:00.000007Z",
        "day": None,
        "share": "12.34",
        "growth": "-0.012500",
        "side": "BUY",
        "count": 2,
    }


def test_what_is_optional_is_left_out_and_what_may_be_null_is_shown():
    SOURCE_WITH = SimpleNamespace(**{**vars(SOURCE), "extra": "more", "day": date(2026, 1, 5)})
    found = Whole.show(SOURCE_WITH)
    assert (found["extra"], found["day"]) == ("more", "2026-01-05")


def test_rows_are_read_by_column():
    class OfRow(s.Shape):
        """A row."""

        amount = s.Money(of="cash")

    assert OfRow.show({"cash": 10_000}) == {"amount": "1.0000"}
    with pytest.raises(KeyError):
        OfRow.show({"amount": 10_000})


def test_every_api_has_the_same_fields():
    names = list(Whole.fields)
    serializer = Whole.serializer()()
    assert list(serializer.fields) == list(Whole.object_type()._meta.fields) == names
    assert serializer.fields["day"].allow_null
    assert not serializer.fields["extra"].required
    assert isinstance(serializer.fields["each"], serializers.ListSerializer)
    assert serializer.fields["cash"].help_text == "Cash; decimal string with four decimals"
    fields = Whole.object_type()._meta.fields
    assert isinstance(fields["cash"].type, graphene.NonNull)
    assert not isinstance(fields["day"].type, graphene.NonNull)
    assert fields["side"].description == "Which way: BUY or SELL."


def test_a_shape_has_one_type_and_one_serializer_and_a_derived_one_its_own():
    class More(Inner):
        """More than what is inside."""

        extra = s.Flag()

    assert Inner.object_type() is Inner.object_type()
    assert Inner.serializer() is Inner.serializer()
    assert list(More.serializer()().fields) == ["cash", "held", "extra"]
    assert More.object_type() is not Inner.object_type()


def test_many_rows_are_shown_in_order_and_others_have_their_turn(monkeypatch):
    for turn_seconds in (0.0, 60.0):
        monkeypatch.setattr(turns, "TURN_SECONDS", turn_seconds)
        for count in (0, 1, 2, 50):
            shown, had = asyncio.run(turns_during(s.show_each(lambda row: {"row": row}, range(count))))
            assert shown == [{"row": row} for row in range(count)]
            assert (had >= count - 1) if turn_seconds == 0.0 else (had == 0)
