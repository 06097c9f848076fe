"""Legal holds: who placed and released what, for ever on record."""

import pytest

from eventstore.archive.holds import HoldEntry, hold_entries, holds, place_hold, release_hold
from eventstore.errors import ArchiveError
from eventstore.record import Document
from eventstore.tests.counter import open_counters


@pytest.fixture
def engine(make_engine):
    return open_counters(make_engine()).engine


def place(engine, aggregate_id="a", reason="case 1", at=1):
    place_hold(engine, aggregate_id=aggregate_id, reason=reason, actor="officer", at=at)


def test_a_hold_is_in_force_from_placing_to_releasing_and_both_stay_on_record(engine):
    place(engine)
    place(engine, "b", at=2)
    assert holds(engine) == {
        "a": HoldEntry("a", "place", "case 1", "officer", 1),
        "b": HoldEntry("b", "place", "case 1", "officer", 2),
    }
    release_hold(engine, aggregate_id="a", reason="closed", actor="judge", at=3)
    assert list(holds(engine)) == ["b"]
    assert [(entry.aggregate_id, entry.action) for entry in hold_entries(engine)] == [
        ("a", "place"),
        ("b", "place"),
        ("a", "release"),
    ]
    place(engine, at=4)
    assert sorted(holds(engine)) == ["a", "b"]


def test_a_hold_is_placed_once_and_released_only_when_it_is_there(engine):
    place(engine)
    with pytest.raises(ArchiveError, match="already, placed by officer: case 1"):
        place(engine)
    with pytest.raises(ArchiveError, match="b is not under hold"):
        release_hold(engine, aggregate_id="b", reason="closed", actor="judge", at=3)
    assert len(hold_entries(engine)) == 1


@pytest.mark.parametrize("reason", ["", "  ", "x" * 1_001])
def test_a_hold_needs_a_reason(engine, reason):
    with pytest.raises(ArchiveError, match="a reason of 1 to 1,000 characters"):
        place(engine, reason=reason)
    assert hold_entries(engine) == []


def test_a_hold_that_cannot_be_read_stops_everything(engine):
    assert engine.append_document(Document("hold", 1, b"{}"))
    with pytest.raises(ArchiveError, match="hold document 1 cannot be read"):
        holds(engine)
