"""Keys of commands, and ids that carry their time."""

import pytest

from eventstore.idempotency.command_ids import CommandKeys, carried_time, is_expired, sender_of
from eventstore.tests.counter import uuid7

NOW = 1_790_000_000_000_000
ULID = "01M3250V007ZZZZZZZZZZZZZZZ"
MINUTE = 60_000_000
STORE = "4f3d7b86-6f0d-4a55-b1e2-0a2f6e7b5c11"


def test_the_sender_is_the_first_segment_of_the_actor():
    assert [sender_of(actor) for actor in ("user:17/alice/key:3/bot", "platform/expiry", "me")] == [
        "user:17",
        "platform",
        "me",
    ]


def test_a_key_depends_on_store_aggregate_sender_and_id_and_on_nothing_else():
    def key(*identity, store=STORE):
        return CommandKeys(store).of_texts([identity])[0]

    assert key("a", "user:1/ann", "1") == key("a", "user:1/anna/key:2/x", "1") < 1 << 40
    others = {key("b", "user:1", "1"), key("a", "user:2", "1"), key("a", "user:1", "2")}
    others.add(key("a", "user:1", "1", store=STORE.replace("4f", "5f")))
    assert len(others | {key("a", "user:1", "1")}) == 5


def test_uuid7_and_ulid_carry_their_time():
    assert carried_time(uuid7(NOW), now=NOW) == NOW
    assert carried_time(uuid7(NOW).upper(), now=NOW) == NOW
    assert carried_time(ULID, now=NOW) == carried_time(ULID.lower(), now=NOW) == NOW


@pytest.mark.parametrize(
    "opaque",
    [
        "1",
        "00000000000000000000000001",
        "0123456789-0123456789-0123",
        "4f3d7b86-6f0d-4a55-b1e2-0a2f6e7b5c11",
        "4f3d7b86-6f0d-7a55-b1e2-0a2f6e7b5c11",
        "not-a-uuid-but7-just-as-long-as-one!",
        uuid7(NOW + 2 * MINUTE),
    ],
)
def test_anything_else_carries_none(opaque):
    assert carried_time(opaque, now=NOW) is None


def test_an_id_is_expired_from_a_minute_after_the_oldest_remembered_command_backwards():
    assert not is_expired(uuid7(NOW), complete_since=0, now=NOW)
    assert not is_expired(uuid7(NOW), complete_since=NOW - MINUTE, now=NOW)
    assert is_expired(uuid7(NOW), complete_since=NOW - MINUTE + 1_000, now=NOW)
    assert not is_expired("1", complete_since=NOW, now=NOW)
