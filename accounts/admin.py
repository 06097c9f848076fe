"""Access and API keys in the admin. Keys can be revoked here, never read: only their hash is stored."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AccountAccess, ApiKey


@admin.register(AccountAccess)
class AccountAccessAdmin(admin.ModelAdmin):
    """Who may do what on which account."""

    list_display = ("user", "account_id", "role")
    list_filter = ("role",)
    search_fields = ("user__username", "account_id")
    autocomplete_fields = ("user",)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """The keys that exist; made with `manage.py create_api_key`."""

    list_display = ("user", "name", "prefix", "created_at", "revoked_at")
    list_filter = ("revoked_at",)
    search_fields = ("user__username", "name", "prefix")
    readonly_fields = ("user", "name", "prefix", "created_at", "revoked_at")
    exclude = ("secret_hash",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keys are made by the command, which shows them once."""
        return False

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make keys worthless from now on."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} keys revoked.")
