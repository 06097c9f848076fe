"""Instruments in the admin: the list, adding and changing, halting and resuming with a confirmation, and the history.

Every change is recorded with who made it and why; nothing is deleted. The form speaks as the files do: increment and
lot are decimals. It does not halt or resume, and it writes what somebody changed in it only: what others changed since
it was opened stays.
"""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from identity.actors import actor_text, session_actor
from market.instruments.changes import InvalidReason, check_reason, save_instruments, set_halted
from market.instruments.definition import (
    FIELDS,
    InvalidInstrument,
    format_increment,
    format_lot,
    parse_field,
)
from market.models import REASON_LENGTH_MAX, Instrument, InstrumentChange
from readmodels.admin import ReadOnlyAdmin

_TEXTS: Final = ("symbol", "name", "kind", "sector", "exchange", "currency", "price_increment", "lot_size")
_EDITED: Final = tuple(name for name in FIELDS if name != "is_halted")
CONFIRMED_SHOWN_MAX: Final = 100
_SHOWN: Final = {"price_increment": format_increment, "lot_size": format_lot}


class InstrumentForm(forms.ModelForm):
    """An instrument, checked as every other way in checks it, and the reason of the change."""

    price_increment = forms.CharField(help_text="Prices are multiples of it, such as 0.01.")
    lot_size = forms.CharField(help_text="Quantities are multiples of it: 1 for whole shares, 0.000001 at least.")
    reason = forms.CharField(max_length=REASON_LENGTH_MAX, help_text="Recorded with the change.")

    class Meta:
        """Every field of an instrument but its halt, which has actions of its own."""

        model = Instrument
        fields = _EDITED

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Show increment and lot as decimals; send along what is shown, so that it is known what was changed."""
        super().__init__(*args, **kwargs)
        for name in _EDITED:
            if name in self.fields:
                self.fields[name].show_hidden_initial = True
        if self.instance.pk:
            for name, shown in _SHOWN.items():
                self.initial[name] = shown(getattr(self.instance, name))

    def clean(self) -> dict[str, Any]:
        """Check each field as an import does."""
        cleaned = super().clean() or {}
        for name in _TEXTS:
            if name in cleaned:
                try:
                    cleaned[name] = parse_field(name, cleaned[name])
                except InvalidInstrument as error:
                    self.add_error(name, str(error))
        try:
            cleaned["reason"] = check_reason(cleaned.get("reason", ""))
        except InvalidReason as error:
            if "reason" not in self.errors:
                self.add_error("reason", str(error))
        return cleaned


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin):
    """Instruments; what is not traded any more is made untradable."""

    form = InstrumentForm
    list_display = (
        "symbol",
        "name",
        "kind",
        "sector",
        "exchange",
        "currency",
        "increment_shown",
        "lot_shown",
        "is_tradable",
        "is_halted",
    )
    list_filter = ("is_tradable", "is_halted", "kind", "exchange", "currency", "sector")
    search_fields = ("symbol", "name")
    list_per_page = 100
    actions = ("halt", "resume")
    object_history_template = "admin/market/instrument/history.html"

    @admin.display(description="Price increment", ordering="price_increment")
    def increment_shown(self, instrument: Instrument) -> str:
        """Show it as a decimal."""
        return format_increment(instrument.price_increment)

    @admin.display(description="Lot size", ordering="lot_size")
    def lot_shown(self, instrument: Instrument) -> str:
        """Show it in shares."""
        return format_lot(instrument.lot_size)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Leave an instrument its symbol."""
        return () if obj is None else ("symbol",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted: there is a history of it."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save all fields of a new instrument, and those of another that differ from what the form showed."""
        names = [name for name in _EDITED if name in form.cleaned_data and (not change or name in form.changed_data)]
        fields = {name: form.cleaned_data[name] for name in names}
        save_instruments([{"symbol": obj.pk, **fields}], actor=_actor(request), reason=form.cleaned_data["reason"])

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show every change of an instrument."""
        changes = [
            {
                "at": each.at,
                "by": actor_text(each.actor),
                "actor": each.actor,
                "reason": each.reason,
                "what": _what(each),
            }
            for each in InstrumentChange.objects.filter(symbol=object_id)
        ]
        return super().history_view(request, object_id, {**(extra_context or {}), "changes": changes})

    @admin.action(description="Halt trading of the selected instruments", permissions=["change"])
    def halt(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> HttpResponse | None:
        """Halt, once confirmed."""
        return self._confirmed(request, queryset, is_halted=True)

    @admin.action(description="Resume trading of the selected instruments", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> HttpResponse | None:
        """Resume, once confirmed."""
        return self._confirmed(request, queryset, is_halted=False)

    def _confirmed(
        self, request: HttpRequest, queryset: QuerySet[Instrument], *, is_halted: bool
    ) -> HttpResponse | None:
        """Ask for a reason; with one, do it."""
        action = "halt" if is_halted else "resume"
        instruments = list(queryset.order_by("symbol"))
        symbols = [each.symbol for each in instruments]
        is_across = request.POST.get("select_across") == "1"
        if "confirmed" in request.POST:
            try:
                saved = set_halted(
                    symbols,
                    is_halted=is_halted,
                    actor=_actor(request),
                    reason=request.POST.get("reason", ""),
                )
            except (InvalidReason, InvalidInstrument) as error:
                messages.error(request, f"Nothing was changed: {error}")
            else:
                done = "halted" if is_halted else "resumed"
                messages.success(request, f"{saved.changed} {done}, {saved.unchanged} were that already.")
                return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{action.capitalize()} trading",
            "opts": self.opts,
            "action": action,
            "instruments": instruments[:CONFIRMED_SHOWN_MAX],
            "more": max(0, len(instruments) - CONFIRMED_SHOWN_MAX),
            "selected": symbols[:1] if is_across else symbols,  # Of all pages, Django takes the list's own query.
            "select_across": int(is_across),
            "checkbox": ACTION_CHECKBOX_NAME,
            "reason_length_max": REASON_LENGTH_MAX,
        }
        return TemplateResponse(request, "admin/market/instrument/confirm.html", context)


@admin.register(InstrumentChange)
class InstrumentChangeAdmin(ReadOnlyAdmin):
    """The log of all instruments, newest first, which nobody changes."""

    list_display = ("at", "symbol", "what_shown", "actor_shown", "reason")
    list_filter = ("at",)
    search_fields = ("=symbol", "reason", "actor")
    list_per_page = 100
    show_full_result_count = False

    @admin.display(description="By", ordering="actor")
    def actor_shown(self, change: InstrumentChange) -> str:
        """Show who it was."""
        return actor_text(change.actor)

    @admin.display(description="What")
    def what_shown(self, change: InstrumentChange) -> str:
        """Show what changed."""
        return _what(change)


def _actor(request: HttpRequest) -> str:
    user: Any = request.user
    return session_actor(user_id=user.pk, username=user.get_username())


def _what(change: InstrumentChange) -> str:
    """Return what a change changed, for people."""
    before, after = change.before, change.after
    if before is None:
        return "added: " + ", ".join(f"{name} {_value(name, after[name])}" for name in FIELDS if name != "symbol")
    changed = [name for name in FIELDS if before[name] != after[name]]
    return ", ".join(f"{name} {_value(name, before[name])} → {_value(name, after[name])}" for name in changed)


def _value(name: str, value: Any) -> str:
    if name in _SHOWN:
        return _SHOWN[name](value)
    return str(value).lower() if isinstance(value, bool) else str(value) or "none"
