"""An actor says who did something so that nothing else looks like it, and people can read it."""

import pytest

from eventstore.idempotency.command_ids import sender_of
from identity.actors import actor_text, key_actor, platform_actor, session_actor

ALICE = {"user_id": 17, "username": "alice"}


@pytest.mark.parametrize(
    ("actor", "recorded", "sender", "text"),
    [
        (session_actor(**ALICE), "user:17/alice", "user:17", "alice"),
        (key_actor(**ALICE, key_id=3, key_name="curl"), "user:17/alice/key:3/curl", "user:17", "alice (key curl)"),
        (key_actor(**ALICE, key_id=3, key_name="a/b"), "user:17/alice/key:3/a/b", "user:17", "alice (key a/b)"),
        (platform_actor("expiry"), "platform/expiry", "platform", "platform (expiry)"),
    ],
)
def test_each_has_a_form_of_its_own(actor, recorded, sender, text):
    assert (actor, sender_of(actor), actor_text(actor)) == (recorded, sender, text)


def test_no_choice_of_names_makes_a_user_look_like_the_platform_or_two_keys_alike():
    made = {
        platform_actor("session"),
        session_actor(user_id=1, username="platform"),
        key_actor(user_id=1, username="platform", key_id=1, key_name="session"),
        key_actor(user_id=1, username="platform", key_id=2, key_name="session"),
        key_actor(user_id=2, username="platform", key_id=3, key_name="session"),
    }
    assert len(made) == 5
    assert {sender_of(actor) for actor in made} == {"platform", "user:1", "user:2"}


@pytest.mark.parametrize("actor", ["ada/bot", "load_demo", "platform", "", "user:x/ada"])
def test_what_has_no_such_form_is_shown_as_it_is(actor):
    assert actor_text(actor) == actor
