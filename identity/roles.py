"""Giving a user a role on the platform: its group, and `is_staff`, which is what lets somebody into the admin."""

from typing import Any

from django.contrib.auth.models import Group

from identity.permissions import GROUPS, ROLES_WITH_ADMIN


def give_role(user: Any, role: str) -> None:
    """Give a user one role and take every other away; a role of the admin opens the admin, the others close it."""
    user.groups.remove(*Group.objects.filter(name__in=GROUPS).exclude(name=role))
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    open_admin(user, is_open=role in ROLES_WITH_ADMIN)


def open_admin(user: Any, *, is_open: bool) -> None:
    """Let a user into the admin, or no longer; superusers always stay in."""
    if user.is_staff != is_open and not user.is_superuser:
        user.is_staff = is_open
        user.save(update_fields=["is_staff"])
