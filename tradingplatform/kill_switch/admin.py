"""What the kill switch adds to the admin: an action on the list of accounts, its runs, and the log of the venue."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from identity.actors import actor_text
from identity.permissions import Action, role_allows
from market.models import VenueChange
from readmodels.admin import AccountSummaryAdmin, ReadOnlyAdmin
from readmodels.models import AccountSummary
from tradingplatform.kill_switch.models import KillSwitchRun
from tradingplatform.kill_switch.pages import ACCOUNTS_MAX, confirm_accounts
from tradingplatform.kill_switch.scopes import UnclearQuestion

admin.site.unregister(AccountSummary)


@admin.register(AccountSummary)
class AccountsWithKillSwitchAdmin(AccountSummaryAdmin):
    """The accounts, with an action for whoever may cancel everybody's orders."""

    actions = ("cancel_orders",)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Tell whether somebody may cancel everybody's orders."""
        return role_allows(request.user, Action.CANCEL_EVERYTHING)

    @admin.action(description="Cancel all working orders of the selected accounts", permissions=["cancel"])
    def cancel_orders(self, request: HttpRequest, queryset: QuerySet[AccountSummary]) -> HttpResponse | None:
        """Ask first; the confirmation goes to the kill switch's own page."""
        ids = queryset.order_by("account_id").values_list("account_id", flat=True)
        try:
            return confirm_accounts(request, [str(each) for each in ids[: ACCOUNTS_MAX + 1]])
        except UnclearQuestion as error:
            messages.error(request, f"Nothing was cancelled: {error}")
            return None


@admin.register(KillSwitchRun)
class KillSwitchRunAdmin(ReadOnlyAdmin):
    """Every run of the kill switch, newest first."""

    list_display = ("started_at", "whose", "state_shown", "cancelled", "ended_before", "by_shown", "reason")
    list_filter = ("started_at", "is_complete")
    search_fields = ("whose", "reason", "actor")
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description="State")
    def state_shown(self, run: KillSwitchRun) -> str:
        return run.state

    @admin.display(description="By", ordering="actor")
    def by_shown(self, run: KillSwitchRun) -> str:
        return actor_text(run.actor)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the page of the run."""
        return redirect("kill_switch:run", pk=object_id)


@admin.register(VenueChange)
class VenueChangeAdmin(ReadOnlyAdmin):
    """The stops and starts of the venue, newest first."""

    list_display = ("at", "what_shown", "by_shown", "reason")
    list_filter = ("at", "is_stopped")
    list_per_page = 100

    @admin.display(description="What", ordering="is_stopped")
    def what_shown(self, change: VenueChange) -> str:
        return "stopped" if change.is_stopped else "started"

    @admin.display(description="By", ordering="actor")
    def by_shown(self, change: VenueChange) -> str:
        return actor_text(change.actor)
