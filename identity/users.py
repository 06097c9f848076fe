"""Users: who somebody is, is their id; what they are called may change, and may be somebody else's name one day.

So nothing is found by a user's name but the user who logs in. What is recorded says `user:<id>` (identity/actors.py),
and the name is looked up where people read it (`username_sql`).
"""

import unicodedata
from typing import Final

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

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
