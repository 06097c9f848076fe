"""Users with their roles, access and API keys in the admin.

Keys can be revoked here, never read: only their hash is stored. An operator manages users without being able to make
anybody, or themselves, a superuser: that takes a superuser.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from identity.models import AccountAccess, ApiKey
from identity.permissions import ROLES_WITH_ADMIN, open_admin, platform_role

User: Any = get_user_model()
admin.site.unregister(User)
admin.site.unregister(Group)  # The roles are fixed: what they mean is code.


class CheckedAutocomplete(AutocompleteSelect):
    """Chooses a row by its key; what is no key, in an address or a form, chooses none instead of failing."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        """Return the choices that are shown: those that are chosen."""
        to_python = self.field.remote_field.model._meta.pk.to_python
        return super().optgroups(name, [each for each in value if _is_key(to_python, each)], attrs)


def _is_key(to_python: Callable[[Any], Any], value: Any) -> bool:
    try:
        to_python(value)
    except ValidationError:
        return False
    return True


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Users; choosing the group compliance or operator lets them into the admin, taking it away closes it."""

    list_display = ("username", "role_shown", "is_active", "is_staff", "last_login")
    list_filter = ("groups", "is_active", "is_staff", "is_superuser")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("What they may do", {"fields": ("is_active", "groups", "is_staff", "is_superuser", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    @admin.display(description="Role")
    def role_shown(self, user: Any) -> str:
        """Show the role on the platform."""
        return platform_role(user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave what makes somebody more than their role to superusers."""
        more = () if request.user.is_superuser else ("is_staff", "is_superuser", "user_permissions")
        return (*self.readonly_fields, *more)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only a superuser change a superuser: whoever sets a password may log in with it."""
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the groups, and open or close the admin as they ask for."""
        user = form.instance
        before = _role_now(user)
        super().save_related(request, form, formsets, change)
        after = _role_now(user)
        if after in ROLES_WITH_ADMIN or before in ROLES_WITH_ADMIN:
            open_admin(user, is_open=after in ROLES_WITH_ADMIN)


@admin.register(AccountAccess)
class AccountAccessAdmin(admin.ModelAdmin):
    """Who may do what on which account."""

    list_display = ("user", "account_id", "role")
    list_filter = ("role",)
    search_fields = ("user__username", "account_id")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Choose the user by typing a part of the name."""
        widget = CheckedAutocomplete(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **{"widget": widget, **kwargs})


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """The keys that exist; made with `manage.py create_api_key`, or by their users at /api/keys. Only their limit can
    be changed.
    """

    list_display = ("user", "name", "prefix", "scope", "limit_shown", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope", "revoked_at", "expires_at", "last_used_at")
    search_fields = ("user__username", "name", "prefix")
    readonly_fields = (
        "user",
        "name",
        "prefix",
        "scope",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    exclude = ("secret_hash",)
    actions = ("revoke",)

    @admin.display(description="Requests a minute", ordering="requests_per_minute")
    def limit_shown(self, key: ApiKey) -> str:
        """Show the key's own limit."""
        if key.requests_per_minute is None:
            return "as the platform"
        return f"{key.requests_per_minute:,}" if key.requests_per_minute else "no limit"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are made by the command or by their users, and shown once."""
        return False

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make keys worthless from now on."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} keys revoked.")


def _role_now(user: Any) -> str:
    """Return the role that the database says, whatever this object was asked before."""
    return platform_role(User.objects.get(pk=user.pk))
