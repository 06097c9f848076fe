"""Users as a statement on the event loop finds them: who somebody is, what they may, and which groups they are in.

A statement that reads the users' table as `holder` asks for `COLUMNS`; `user_of` makes a user of their values. Of
anything else (a password, an address) such a user knows nothing.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS

_KNOWN: Final = frozenset({"id", "username", "is_active", "is_staff", "is_superuser"})
_FIELDS: Final = tuple(field.attname for field in get_user_model()._meta.concrete_fields if field.attname in _KNOWN)
"""In the order of the model, which `from_db` counts on."""

TABLE: Final = get_user_model()._meta.db_table
GROUPS: Final = f"""
    ARRAY(SELECT known.name FROM {get_user_model().groups.through._meta.db_table} AS membership
        JOIN {Group._meta.db_table} AS known ON known.id = membership.group_id
        WHERE membership.user_id = holder.id)
"""  # noqa: S608 - of the names of our own tables.
"""The names of the holder's groups."""
COLUMNS: Final = f"{', '.join(f'holder.{name}' for name in _FIELDS)}, {GROUPS}"


def user_of(values: Sequence[Any]) -> Any:
    """Return the user of the values of `COLUMNS`; the names of their groups are its `group_names`."""
    *fields, groups = values
    user: Any = get_user_model().from_db(DEFAULT_DB_ALIAS, _FIELDS, fields)
    user.group_names = frozenset(groups)
    return user
