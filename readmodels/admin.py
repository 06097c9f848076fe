"""What compliance uses: accounts with their audit trail of events, and orders, read-only for everybody; dead letters;
checkpoints.
"""

import json
import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.domain.values import format_amount
from identity.actors import actor_text
from readmodels import shapes
from readmodels.models import AccountSummary, Activity, DeadLetter, Order, ProjectionCheckpoint
from readmodels.projector.projector import retry_account
from readmodels.queries import queries
from readmodels.shapes import account_shape

EVENTS_PER_PAGE = 50
ACCOUNTS_PER_PAGE = 100
OPEN_ORDERS_SHOWN_MAX = 50
"""On an account's page; the page of orders has them all."""


class ReadOnlyAdmin(admin.ModelAdmin):
    """Nobody adds, changes or deletes what events or a log made, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AccountSummary)
class AccountSummaryAdmin(ReadOnlyAdmin):
    """Accounts; each opens its audit trail."""

    list_display = (
        "name",
        "owner_shown",
        "status",
        "cash_shown",
        "value_shown",
        "realized_shown",
        "version",
        "updated_at",
    )
    list_filter = ("status", "currency", "updated_at")
    search_fields = ("name", "owner_name", "=owner", "account_id")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountSummary]:
        """Return the accounts with what their owners are called now."""
        named = AccountSummary.objects.annotate(owner_name=queries.owner_name())
        return named.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the order of the list."""
        return ("owner_name", "name")

    @admin.display(description="Owner", ordering="owner_name")
    def owner_shown(self, account: Any) -> str:
        return account.owner_name or account.owner

    @admin.display(description="Cash", ordering="cash")
    def cash_shown(self, account: AccountSummary) -> str:
        return _money(account.cash)

    @admin.display(description="Portfolio value", ordering="portfolio_value")
    def value_shown(self, account: AccountSummary) -> str:
        return _money(account.portfolio_value)

    @admin.display(description="Realized P&L", ordering="realized_pnl")
    def realized_shown(self, account: AccountSummary) -> str:
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
        open_orders = queries.open_orders(account_id=str(account.pk), limit=OPEN_ORDERS_SHOWN_MAX)
        context = {
            **self.admin_site.each_context(request),
            "title": account.name,
            "opts": self.opts,
            "account": account_shape(row),
            "positions": [shapes.Position.show(position) for position in queries.positions(account_id=str(account.pk))],
            "open_orders": [shapes.Order.show(row) for row in open_orders],
            "page": page,
            "events": [_shown_event(event) for event in page],
            "event_type": event_type,
            "event_types": _event_types(account.pk),
        }
        return TemplateResponse(request, "admin/readmodels/accountsummary/audit_trail.html", context)


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders of all accounts, newest first; each opens with all that is known of it."""

    list_display = (
        "placed_at",
        "account_link",
        "symbol",
        "side",
        "order_type",
        "time_in_force",
        "quantity",
        "filled_quantity",
        "average_shown",
        "limit_shown",
        "stop_shown",
        "status",
        "actor_shown",
    )
    list_filter = ("status", "side", "order_type", "time_in_force", "placed_at")
    search_fields = ("=order_id", "=account_id", "=client_order_id", "=symbol", "actor__contains")
    search_help_text = (
        "An order's, account's or client's own id or a symbol, in full; or a part of an actor: user:17/ or /alice."
    )
    ordering = ("-placed_at",)
    list_per_page = 50
    show_full_result_count = False

    @admin.display(description="Account", ordering="account_id")
    def account_link(self, order: Order) -> str:
        """Link to the account's audit trail."""
        path = reverse("admin:readmodels_accountsummary_change", args=[order.account_id])
        return format_html('<a href="{}">{}</a>', path, order.account_id)

    @admin.display(description="By", ordering="actor")
    def actor_shown(self, order: Order) -> str:
        return actor_text(order.actor)

    @admin.display(description="Average fill", ordering="avg_fill_price")
    def average_shown(self, order: Order) -> str:
        return _price(order.avg_fill_price)

    @admin.display(description="Limit", ordering="limit_price")
    def limit_shown(self, order: Order) -> str:
        return _price(order.limit_price)

    @admin.display(description="Stop", ordering="stop_price")
    def stop_shown(self, order: Order) -> str:
        return _price(order.stop_price)

    @admin.display(description="Value of all fills")
    def value_shown(self, order: Order) -> str:
        return format_amount(order.filled_value)

    @admin.display(description="Reserved for a share")
    def reserve_shown(self, order: Order) -> str:
        return format_amount(order.reserve_price)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the columns, money as people read it."""
        shown = {
            "account_id": "account_link",
            "avg_fill_price": "average_shown",
            "filled_value": "value_shown",
            "limit_price": "limit_shown",
            "stop_price": "stop_shown",
            "reserve_price": "reserve_shown",
        }
        return tuple(shown.get(field.name, field.name) for field in self.opts.concrete_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj)


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
        # Or the templates look for the admin's other pages among these urls, and find none.
        request.current_app = admin.site.name
        context = {
            **admin.site.each_context(request),
            "title": "Dead letters",
            "page": _dead_letter_page(request.GET.get("page")),
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


def _dead_letter_page(number: str | None) -> Page[Any]:
    """Return a page of the accounts with dead letters, by the first of each: those behind it wait for that one.

    Letter by letter, an account with many would hide all others, which could not be tried again then.
    """
    first = DeadLetter.objects.order_by("account_id", "version").distinct("account_id")
    page: Page[Any] = Paginator(first, ACCOUNTS_PER_PAGE).get_page(number)
    counted = DeadLetter.objects.filter(account_id__in=[letter.account_id for letter in page])
    counts = dict(counted.values_list("account_id").annotate(Count("version")))
    for letter in page:
        letter.waiting = counts.get(letter.account_id, 1) - 1
    return page


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
    return {"event": event, "by": actor_text(event.actor), "data": {**data, **nested}}


def _price(value: int | None) -> str:
    return "-" if value is None else format_amount(value)


def _money(value: int) -> str:
    whole, _, decimals = format_amount(value).partition(".")
    return f"{int(whole):,}.{decimals[:2]}" if whole != "-0" else f"-0.{decimals[:2]}"
