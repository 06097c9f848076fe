"""Who somebody is: their id, which never changes. What they are called may change, and be somebody else's name one day.

So nothing is found by a user's name but the user who logs in. What is recorded is an *actor*, made and read here only:

    user:17/alice               user 17 in a browser's session, called alice at the time
    user:17/alice/key:3/curl    the same user's API key 3, called curl
    platform/expiry             the platform itself: the part that ends orders with their day

The first segment is the *sender*. It is never used again, so rights and command ids hang on it; the names after it are
for people, and are those of the time. A user's name has no slash (`check_username`), a key's comes last: so no choice
of names makes one actor look like another. The name of today is looked up where people read it (`username_sql`).
"""

import re
import unicodedata
from typing import Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

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


RESERVED_NAMES: Final = frozenset(
    {
        "anonymous",
        "beat",
        "expiry",
        "key",
        "market",
        "platform",
        "projector",
        "scheduler",
        "snapshotter",
        "system",
        "user",
        "venue",
        "writer",
    }
)
"""Names that read as if the platform itself had acted; the database refuses them as well (migration 0003)."""


def check_username(username: str) -> None:
    """Refuse a name that is the platform's own, or that would not stay one word in an actor; a validator of the model.

    Django's own validator allows letters, digits and @/./+/-/_ only; this one does not rely on it.
    """
    if unicodedata.normalize("NFKC", username).casefold() in RESERVED_NAMES:
        raise ValidationError(
            "The name %(name)r is the platform's own: choose another.", code="reserved", params={"name": username}
        )
    if "/" in username or not username.isprintable():
        raise ValidationError("A user's name has neither a slash nor control characters.", code="invalid")


def username_sql(owner: str) -> str:
    """Return an SQL expression for the name now of the user that a column such as "user:17" refers to; NULL when there
    is no such user. The column is ours, never what somebody sent.
    """
    users = get_user_model()._meta.db_table
    user_id = f"CASE WHEN {owner} ~ '^user:[0-9]{{1,18}}$' THEN substr({owner}, 6)::bigint END"
    return f"(SELECT username FROM {users} WHERE id = {user_id})"  # noqa: S608 - of the names of our own columns.
