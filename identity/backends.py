"""What a role on the platform may do in the admin: Django asks its authentication backends, and this one looks the
answer up in permissions.py. It logs nobody in. Permissions that somebody was given one by one count beside it.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from identity.permissions import IN_THE_ADMIN, platform_role


class PlatformRoleBackend(BaseBackend):
    """Permissions of compliance officers and operators."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Tell whether a user's role has a permission such as "identity.view_apikey"."""
        allowed = _permissions_of(user_obj)
        verb = perm.partition(".")[2].partition("_")[0]
        return perm in allowed or verb in allowed

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Tell whether a user's role has any permission in an app."""
        allowed = _permissions_of(user_obj)
        return "view" in allowed or any(perm.startswith(f"{app_label}.") for perm in allowed)


def _permissions_of(user: Any) -> frozenset[str]:
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    return IN_THE_ADMIN.get(platform_role(user), frozenset())
