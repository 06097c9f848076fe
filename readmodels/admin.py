"""What compliance uses: accounts with their audit trail of events, read-only for everybody; dead letters;
checkpoints.
"""

import json
import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from accounts.domain.values import format_amount
from readmodels import queries
from readmodels.dead_letters import retry_account
from readmodels.models import AccountSummary, Activity, DeadLetter, ProjectionCheckpoint
from readmodels.shapes import account_shape, position_shape

EVENTS_PER_PAGE = 50


class ReadOnlyAdmin(admin.ModelAdmin):
    """Nobody adds, changes or deletes what events made, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(AccountSummary)
class AccountSummaryAdmin(ReadOnlyAdmin):
    """Accounts; each opens its audit trail."""

    list_display = ("name", "owner", "status", "cash_shown", "value_shown", "realized_shown", "version", "updated_at")
    list_filter = ("status", "currency", "updated_at")
    search_fields = ("name", "owner", "account_id")
    ordering = ("owner", "name")
    list_per_page = 50

    @admin.display(description="Cash", ordering="cash")
    def cash_shown(self, account: AccountSummary) -> str:
        """Show money."""
        return _money(account.cash)

    @admin.display(description="Portfolio value", ordering="portfolio_value")
    def value_shown(self, account: AccountSummary) -> str:
        """Show money."""
        return _money(account.portfolio_value)

    @admin.display(description="Realized P&L", ordering="realized_pnl")
    def realized_shown(self, account: AccountSummary) -> str:
        """Show money."""
        return _money(account.realized_pnl)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show an account, its positions and its events, newest first."""
        account = _account(object_id)
        if account is None or not self.has_view_permission(request):
            raise Http404(f"There is no account {object_id}.")
        row = queries.account(account_id=str(account.pk)) or {}
        event_type = request.GET.get("type", "")
        events = Activity.objects.filter(account_id=account.pk).order_by("-version")
        if event_type:
            events = events.filter(event_type=event_type)
        page = Paginator(events, EVENTS_PER_PAGE).get_page(request.GET.get("page"))
        context = {
            **self.admin_site.each_context(request),
            "title": account.name,
            "opts": self.opts,
            "account": account_shape(row),
            "positions": [position_shape(position) for position in queries.positions(account_id=str(account.pk))],
            "page": page,
            "events": [_shown_event(event) for event in page],
            "event_type": event_type,
            "event_types": _event_types(account.pk),
        }
        return TemplateResponse(request, "admin/readmodels/accountsummary/audit_trail.html", context)


@admin.register(ProjectionCheckpoint)
class ProjectionCheckpointAdmin(ReadOnlyAdmin):
    """How far the projections are."""

    list_display = ("partition", "seq", "stopped_because")
    ordering = ("partition",)


class DeadLetterView:
    """The list of dead letters. Django's admin cannot show a table with a composite key, so it is a page of its own."""

    @staticmethod
    def show(request: HttpRequest) -> HttpResponse:
        """List dead letters; a POST tries an account's again."""
        if request.method == "POST":
            return DeadLetterView.retry(request)
        context = {
            **admin.site.each_context(request),
            "title": "Dead letters",
            "letters": DeadLetter.objects.order_by("account_id", "version")[:500],
        }
        return TemplateResponse(request, "admin/readmodels/dead_letters.html", context)

    @staticmethod
    def retry(request: HttpRequest) -> HttpResponse:
        """Try to project an account's dead letters again."""
        account_id = request.POST.get("account_id", "")
        if not request.user.is_superuser:
            messages.error(request, "Only an operator (superuser) may retry.")
        else:
            try:
                retry_account(str(uuid.UUID(account_id)))
            except Exception as error:  # Whatever the projection raises is what the operator has to read.
                messages.error(request, f"Account {account_id} still cannot be projected: {error}")
            else:
                messages.success(request, f"Account {account_id} is projected up to its newest event.")
        return redirect(reverse("compliance:dead_letters"))


def admin_urls() -> list[URLPattern]:
    """Return the pages beside Django's own."""
    return [path("dead-letters", admin.site.admin_view(DeadLetterView.show), name="dead_letters")]


def _account(object_id: str) -> AccountSummary | None:
    try:
        return AccountSummary.objects.filter(pk=uuid.UUID(object_id)).first()
    except ValueError:
        return None


def _event_types(account_id: uuid.UUID) -> QuerySet[Activity, str]:
    found = Activity.objects.filter(account_id=account_id).order_by("event_type")
    return found.values_list("event_type", flat=True).distinct()


def _shown_event(event: Activity) -> dict[str, Any]:
    data = {name.replace("_", " "): value for name, value in event.data.items() if not isinstance(value, dict)}
    nested = {name: json.dumps(value) for name, value in event.data.items() if isinstance(value, dict)}
    return {"event": event, "data": {**data, **nested}}


def _money(value: int) -> str:
    whole, _, decimals = format_amount(value).partition(".")
    return f"{int(whole):,}.{decimals[:2]}" if whole != "-0" else f"-0.{decimals[:2]}"
