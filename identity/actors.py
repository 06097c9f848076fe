"""Who did something, as every commit records it. Made and read here, and nowhere else.

    user:17/alice               user 17 in a browser's session, called alice at the time
    user:17/alice/key:3/curl    the same user's API key 3, called curl
    platform/expiry             the platform itself: the part that ends orders with their day

The first segment is the *sender*. It never changes and is never used again, so rights and command ids hang on it; the
names after it are for people, and are those of the time. A user's name has no slash (identity/users.py), a key's comes
last: so no choice of names makes one actor look like another.
"""

import re
from typing import Final

PLATFORM: Final = "platform"
_USER: Final = re.compile(r"user:(?P<user_id>[0-9]+)/(?P<username>[^/]+)(?:/key:(?P<key_id>[0-9]+)/(?P<key>.+))?")


def user_reference(user_id: int) -> str:
    """Return what a user is called for good, such as "user:17": the sender of what they do, the owner of accounts."""
    return f"user:{user_id}"


def session_actor(*, user_id: int, username: str) -> str:
    """Return the actor of somebody who is logged in."""
    return f"{user_reference(user_id)}/{username}"


def key_actor(*, user_id: int, username: str, key_id: int, key_name: str) -> str:
    """Return the actor of an API key."""
    return f"{session_actor(user_id=user_id, username=username)}/key:{key_id}/{key_name}"


def platform_actor(part: str) -> str:
    """Return the actor of a part of the platform itself."""
    return f"{PLATFORM}/{part}"


def actor_text(actor: str) -> str:
    """Return an actor for people: "alice", "alice (key curl)", "platform (expiry)"; what has no such form as it is."""
    found = _USER.fullmatch(actor)
    if found is not None:
        key = found["key"]
        return found["username"] if key is None else f"{found['username']} (key {key})"
    sender, _, part = actor.partition("/")
    return f"{PLATFORM} ({part})" if sender == PLATFORM and part else actor
