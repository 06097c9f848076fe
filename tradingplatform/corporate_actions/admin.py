"""Corporate actions in the admin: the list with how far each is, announcing with a preview, withdrawing, and the log.

The form speaks as the files do: terms are decimals. Nothing is changed or deleted: whoever wants other terms withdraws
an action and announces another one.
"""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from accounts.domain.values import format_amount
from identity.actors import actor_text, session_actor
from market.corporate_actions.announcing import InvalidAnnouncement, NotWithdrawable, announce, check, withdraw
from market.corporate_actions.definition import (
    FIELDS,
    CorporateActionTerms,
    InvalidCorporateAction,
    Kind,
    State,
    format_terms,
    parse_terms,
)
from market.instruments.changes import InvalidReason, check_reason, stored_definitions
from market.models import REASON_LENGTH_MAX, CorporateAction, CorporateActionChange
from readmodels.admin import ReadOnlyAdmin
from tradingplatform.corporate_actions.applying import obstacle_of, progress_of
from tradingplatform.corporate_actions.holders import Preview, preview
from tradingplatform.corporate_actions.office import latest_sheet

_HELP: Final = {
    "symbol": "Whose shares it is about.",
    "effective_date": "First session on the new terms, in the time of the market: YYYY-MM-DD.",
    "numerator": "Of a split: so many new shares ...",
    "denominator": "... for so many old ones. A reverse split has 1 for 10, say.",
    "lot_size": "Of a split: less than such a lot is paid in cash. Empty: the instrument's own.",
    "fraction_price": "Of a split: what a new share is paid at. Empty: by the last price before it.",
    "amount_per_share": "Of a dividend: cash for every share, such as 0.24.",
    "new_symbol": "Of a change of symbol.",
    "new_name": "How its instrument is called, where there is none yet. Empty: as the old one.",
}
_CONFIRM: Final = "admin/market/corporateaction/confirm.html"


class CorporateActionForm(forms.ModelForm):
    """An action, checked as every other way in checks it, and the reason."""

    kind = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in Kind])
    reason = forms.CharField(max_length=REASON_LENGTH_MAX, help_text="Recorded with the announcement.")

    class Meta:
        """All that can be said of an action."""

        model = CorporateAction
        fields = ("kind", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Have a text for each of the terms: what they are is said by the parser."""
        super().__init__(*args, **kwargs)
        self.terms: CorporateActionTerms | None = None

    def clean(self) -> dict[str, Any]:
        """Check the terms as an import does."""
        cleaned = super().clean() or {}
        try:
            self.terms = parse_terms({name: cleaned.get(name) for name in FIELDS})
            check(self.terms, session_date=latest_sheet().session_date)
        except InvalidCorporateAction as error:
            self.add_error(error.field, str(error))
        try:
            check_reason(cleaned.get("reason", ""))
        except InvalidReason as error:
            if "reason" not in self.errors:
                self.add_error("reason", str(error))
        return cleaned

    def _post_clean(self) -> None:
        """The terms are checked: no row is made of them here."""


for _name, _text in _HELP.items():
    CorporateActionForm.base_fields[_name] = forms.CharField(
        required=_name in ("symbol", "effective_date"), help_text=_text
    )
CorporateActionForm.base_fields["reason"] = CorporateActionForm.base_fields.pop("reason")


@admin.register(CorporateAction)
class CorporateActionAdmin(admin.ModelAdmin):
    """Announced actions, and how far they are."""

    list_display = ("id", "symbol", "kind", "terms_shown", "effective_date", "state", "progress_shown")
    list_filter = ("state", "kind", "effective_date")
    search_fields = ("=symbol", "=new_symbol")
    list_per_page = 50
    actions = ("withdraw",)
    form = CorporateActionForm

    @admin.display(description="Terms")
    def terms_shown(self, action: CorporateAction) -> str:
        """Show what it does."""
        return format_terms(action)

    @admin.display(description="Progress")
    def progress_shown(self, action: CorporateAction) -> str:
        """Show how many holders are served, what they were paid, and who refused; before that, why it cannot begin."""
        if action.state in (State.ANNOUNCED, State.WITHDRAWN):
            return obstacle_of(action) or ""
        done = progress_of(action)
        refused = "".join(f"; {count:,} refused: {code}" for code, count in done.failures.items())
        return f"{done.served:,} of {done.asked:,} holders, {format_amount(done.cash_paid)} paid{refused}"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show an announced action with how far it is."""
        if obj is None:
            return ("kind", *_HELP, "reason")
        return ("kind", "symbol", "terms_shown", "effective_date", "state", "progress_shown", "began_at", "ended_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave what is announced as it is."""
        return () if obj is None else self.get_fields(request, obj)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form of a new action as it is."""
        return CorporateActionForm if obj is None else super().get_form(request, obj, change=change, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is announced is withdrawn, or stays: nobody changes it."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted: there is a log of it."""
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what an action would find and pay, before it is announced."""
        if request.method == "POST" and self.has_add_permission(request):
            form = CorporateActionForm(request.POST)
            if form.is_valid() and form.terms is not None:
                if "confirmed" in request.POST:
                    return self._announce(request, form.terms, form.cleaned_data["reason"])
                return self._confirm(
                    request,
                    title=f"Announce {form.terms.kind} of {form.terms.symbol}",
                    lines=[f"{format_terms(form.terms)}, from {form.terms.effective_date} on", *_lines(form.terms)],
                    hidden=[(name, form.cleaned_data.get(name) or "") for name in self.get_fields(request)],
                    button="Announce it",
                )
        return super().add_view(request, form_url, extra_context)

    def _announce(self, request: HttpRequest, terms: CorporateActionTerms, reason: str) -> HttpResponse:
        try:
            (action,) = announce(
                [terms], session_date=latest_sheet().session_date, actor=_actor(request), reason=reason
            )
        except InvalidAnnouncement as error:
            messages.error(request, f"Nothing was announced: {error}")
        else:
            messages.success(request, f"Corporate action {action.pk} is announced.")
        return HttpResponseRedirect("../")

    @admin.action(description="Withdraw the selected actions", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[CorporateAction]) -> HttpResponse | None:
        """Withdraw, once confirmed with a reason."""
        chosen = list(queryset)
        if "confirmed" in request.POST:
            withdrawn = 0
            for action in chosen:
                try:
                    withdraw(action.pk, actor=_actor(request), reason=request.POST.get("reason", ""))
                    withdrawn += 1
                except (NotWithdrawable, InvalidReason) as error:
                    messages.error(request, str(error))
            messages.success(request, f"{withdrawn} withdrawn.")
            return None
        return self._confirm(
            request,
            title="Withdraw corporate actions",
            lines=[f"{action}: {format_terms(action)}, {action.state}" for action in chosen],
            hidden=[("action", "withdraw"), *((ACTION_CHECKBOX_NAME, str(action.pk)) for action in chosen)],
            button="Withdraw",
            asks_reason=True,
        )

    def _confirm(self, request: HttpRequest, **context: Any) -> HttpResponse:
        shared = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "reason_length_max": REASON_LENGTH_MAX,
        }
        return TemplateResponse(request, _CONFIRM, {**shared, **context})


@admin.register(CorporateActionChange)
class CorporateActionChangeAdmin(ReadOnlyAdmin):
    """The log of all actions, newest first, which nobody changes."""

    list_display = ("at", "action_id", "what_shown", "actor_shown", "reason")
    list_filter = ("at",)
    search_fields = ("=action_id", "reason", "actor")
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description="By", ordering="actor")
    def actor_shown(self, change: CorporateActionChange) -> str:
        """Show who it was."""
        return actor_text(change.actor)

    @admin.display(description="What")
    def what_shown(self, change: CorporateActionChange) -> str:
        """Show what changed."""
        before, after = change.before or {}, change.after
        changed = [name for name in after if before.get(name) != after[name] and after[name] is not None]
        return ", ".join(f"{name} {after[name]}" for name in changed if name != "id")


def _lines(terms: CorporateActionTerms) -> list[str]:
    found = _preview(terms)
    cash = "not known without a price" if found.cash is None else format_amount(found.cash)
    return [
        f"{found.holders:,} holders by the tables of now",
        f"{found.working_orders:,} working orders, which are cancelled first",
        f"cash to be paid, by the holdings and the price of now: {cash}",
    ]


def _preview(terms: CorporateActionTerms) -> Preview:
    price = next((each.price for each in latest_sheet().quotes if each.symbol == terms.symbol), None)
    return preview(terms, price=price, lot_size=stored_definitions([terms.symbol])[terms.symbol].lot_size)


def _actor(request: HttpRequest) -> str:
    user: Any = request.user
    return session_actor(user_id=user.pk, username=user.get_username())
