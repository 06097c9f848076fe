"""The kill switch in the admin: one page with its buttons, a confirmation before each, and a page for each run.

A confirmation says what would be ended and asks for a reason; for the whole firm it asks for a word, too. A run goes on
in a thread of this process, so its page shows how far it is, and what came of it afterwards. Who may do what is said by
identity/permissions.py; whoever may nothing of this sees no page.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import TimeoutError as NotOverYet
from contextlib import suppress
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from accounts.writer.bus.ports import get_bus
from identity.actors import actor_text, session_actor
from identity.permissions import Action, role_allows
from market.instruments.changes import InvalidReason, UnknownInstrument, set_halted, stored_definitions
from market.instruments.definition import InvalidInstrument
from market.models import REASON_LENGTH_MAX
from market.venue.changes import set_stopped, stored_state
from readmodels.queries.queries import OrderScope, count_working_orders
from tradingplatform.kill_switch.models import KillSwitchRun
from tradingplatform.kill_switch.recorded import begin_run, refuse_run, run_recorded
from tradingplatform.kill_switch.runs import AlreadyRunning, runs
from tradingplatform.kill_switch.scopes import (
    UnclearQuestion,
    UnknownUser,
    checked_reason,
    checked_scope,
    order_scope,
    whose_orders,
)

RUNS_SHOWN_MAX: Final = 20
ACCOUNTS_MAX: Final = 1_000
"""Accounts that can be selected at once; beyond it there is the whole firm."""
ANSWER_SECONDS_MAX: Final = 2.0
"""How long an answer waits for a run to be over; then its page shows how far it is."""
REFRESH_SECONDS: Final = 1
FIRM_WORD: Final = "firm"
_SCOPES: Final = {"account": "account_id", "user": "username", "symbol": "symbol", "firm": "everybody"}
"""The scope of each address."""


def kill_switch_urls() -> list[URLPattern]:
    """Return the pages below /admin/kill-switch/."""
    view = admin.site.admin_view
    return [
        path("", view(home), name="home"),
        path("cancel/<str:whose>", view(cancel), name="cancel"),
        path("instrument/<str:what>", view(halt), name="halt"),
        path("venue/<str:what>", view(stop), name="stop"),
        path("runs/<int:pk>", view(show_run), name="run"),
    ]


@require_http_methods(["GET", "HEAD"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the buttons, how the venue is, and the latest runs."""
    _check_any(request)
    state = stored_state()
    found = list(KillSwitchRun.objects.all()[:RUNS_SHOWN_MAX])
    return _page(
        request,
        "home",
        "Kill switch",
        may_cancel=role_allows(request.user, Action.CANCEL_EVERYTHING),
        may_halt=role_allows(request.user, Action.MANAGE_INSTRUMENTS),
        may_stop=role_allows(request.user, Action.STOP_VENUE),
        working=count_working_orders(OrderScope()),
        venue=state,
        venue_by=actor_text(state.actor),
        runs=[_shown_run(each) for each in found],
    )


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, whose: str) -> HttpResponse:
    """Ask whether to cancel the orders of an account, a user, a symbol, the firm or selected accounts; then do it."""
    _check(request, Action.CANCEL_EVERYTHING)
    sent = request.POST if request.method == "POST" else request.GET
    try:
        if whose == "accounts":
            return confirm_accounts(request, sent.getlist("account"))
        if whose not in _SCOPES:
            raise Http404(f"there is no way to cancel the orders of {whose}")
        name = _SCOPES[whose]
        value = sent.get("value", "").strip()
        scope = order_scope(*checked_scope({name: True if name == "everybody" else value}))
    except (UnclearQuestion, UnknownUser) as error:
        messages.error(request, f"Nothing was cancelled: {error}")
        return redirect("kill_switch:home")
    return _confirm_run(
        request,
        scope,
        whose=whose_orders(name, value),
        fields=[] if name == "everybody" else [("value", value)],
        word=FIRM_WORD if name == "everybody" else "",
        address=whose,
    )


def confirm_accounts(request: HttpRequest, account_ids: Sequence[str]) -> HttpResponse:
    """Ask whether to cancel the orders of these accounts; then do it. Raises UnclearQuestion."""
    if not 1 <= len(account_ids) <= ACCOUNTS_MAX:
        raise UnclearQuestion(f"select 1 to {ACCOUNTS_MAX:,} accounts, found {len(account_ids):,}: or take the firm")
    for each in account_ids:
        checked_scope({"account_id": each})
    count = len(account_ids)
    return _confirm_run(
        request,
        OrderScope(account_ids=tuple(account_ids)),
        whose=whose_orders("account_id", account_ids[0]) if count == 1 else f"{count:,} selected accounts",
        fields=[("account", each) for each in account_ids],
        word="",
        address="accounts",
    )


def _confirm_run(
    request: HttpRequest,
    scope: OrderScope,
    *,
    whose: str,
    fields: Sequence[tuple[str, str]],
    word: str,
    address: str,
) -> HttpResponse:
    if "confirmed" in request.POST:
        try:
            reason = checked_reason(request.POST.get("reason", ""))
            if word and request.POST.get("word", "").strip() != word:
                raise UnclearQuestion(f"type the word {word} to confirm")
        except UnclearQuestion as error:
            messages.error(request, f"Nothing was cancelled: {error}")
        else:
            return _run(request, scope, whose=whose, reason=reason)
    working = count_working_orders(scope)
    orders = "1 working order" if working == 1 else f"{working:,} working orders"
    return _confirm(
        request,
        f"Cancel every working order of {whose}",
        lines=[
            f"This ends {orders} of {whose}, as of now. Orders that are placed until it is over are looked for, too.",
            "Orders that come later are not kept out: halt the instrument or freeze the account first.",
        ],
        button=f"Yes, cancel {orders}",
        fields=fields,
        word=word,
        address=["kill_switch:cancel", address],
    )


def _run(request: HttpRequest, scope: OrderScope, *, whose: str, reason: str) -> HttpResponse:
    user: Any = request.user
    run = begin_run(scope=scope, whose=whose, actor=_actor(request), reason=reason)
    bus = get_bus()
    try:
        future = runs.start(lambda: run_recorded(run, bus, scope=scope), user_id=user.pk, is_officer=True)
    except AlreadyRunning:
        refuse_run(run, "not begun: your run before this one is not over")
    else:
        with suppress(NotOverYet):
            future.exception(ANSWER_SECONDS_MAX)  # What went wrong is in its record, which its page shows.
    return redirect("kill_switch:run", pk=run.pk)


@require_http_methods(["GET", "HEAD"])
def show_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a run is, or what came of it; asked again every second as long as it runs."""
    _check_any(request)
    run = get_object_or_404(KillSwitchRun, pk=pk)
    response = _page(request, "run", f"Cancel the orders of {run.whose}", **_shown_run(run))
    if run.state == "running":
        response["Refresh"] = str(REFRESH_SECONDS)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def halt(request: HttpRequest, what: str) -> HttpResponse:
    """Ask whether to halt an instrument, or to resume its trading; then do it."""
    _check(request, Action.MANAGE_INSTRUMENTS)
    if what not in ("halt", "resume"):
        raise Http404(f"an instrument is halted or resumed, found {what}")
    sent = request.POST if request.method == "POST" else request.GET
    symbol = sent.get("symbol", "").strip()
    found = stored_definitions([symbol]).get(symbol)
    if found is None:
        messages.error(request, f"Nothing was changed: there is no instrument {symbol[:40]!r}")
        return redirect("kill_switch:home")
    if "confirmed" in request.POST:
        try:
            reason = request.POST.get("reason", "")
            saved = set_halted([symbol], is_halted=what == "halt", actor=_actor(request), reason=reason)
        except (InvalidReason, UnknownInstrument, InvalidInstrument) as error:
            messages.error(request, f"Nothing was changed: {error}")
        else:
            done = "is halted" if what == "halt" else "is traded again"
            messages.success(request, f"{symbol} {done}" + (", and was before." if saved.unchanged else "."))
            return redirect("kill_switch:home")
    working = count_working_orders(OrderScope(symbol=symbol))
    then = (
        f"New orders and trades are refused from the next second on. Its {working:,} working orders stay and "
        "wait, and can be cancelled."
        if what == "halt"
        else f"New orders and trades are taken again from the next second on; its {working:,} working orders may fill."
    )
    return _confirm(
        request,
        f"{what.capitalize()} {symbol}",
        lines=[f"{found.name} is {'halted' if found.is_halted else 'traded'} now. {then}"],
        button=f"Yes, {what} {symbol}",
        fields=[("symbol", symbol)],
        address=["kill_switch:halt", what],
    )


@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, what: str) -> HttpResponse:
    """Ask whether to stop or to start the venue; then do it."""
    _check(request, Action.STOP_VENUE)
    if what not in ("stop", "start"):
        raise Http404(f"the venue is stopped or started, found {what}")
    if "confirmed" in request.POST:
        try:
            reason = request.POST.get("reason", "")
            is_changed = set_stopped(is_stopped=what == "stop", actor=_actor(request), reason=reason)
        except InvalidReason as error:
            messages.error(request, f"Nothing was changed: {error}")
        else:
            done = "is stopped" if what == "stop" else "is started"
            messages.success(request, f"The venue {done}" + ("." if is_changed else ", and was before."))
            return redirect("kill_switch:home")
    working = count_working_orders(OrderScope())
    then = (
        f"Within a second it fills and ends nothing any more, until it is started, whatever restarts. {working:,} "
        "orders work; they stay and can be cancelled. New ones are taken and wait."
        if what == "stop"
        else f"Within a second it goes on, with the market's prices of then. {working:,} orders work."
    )
    return _confirm(
        request,
        f"{what.capitalize()} the venue",
        lines=[then],
        button=f"Yes, {what} the venue",
        fields=[],
        address=["kill_switch:stop", what],
    )


def _confirm(
    request: HttpRequest,
    title: str,
    *,
    lines: Sequence[str],
    button: str,
    fields: Sequence[tuple[str, str]],
    address: Sequence[str],
    word: str = "",
) -> HttpResponse:
    view, argument = address
    return _page(
        request,
        "confirm",
        title,
        lines=lines,
        button=button,
        fields=fields,
        word=word,
        is_danger=argument not in ("resume", "start"),
        view=view,
        argument=argument,
        reason=request.POST.get("reason", ""),
        reason_length_max=REASON_LENGTH_MAX,
    )


def _page(request: HttpRequest, name: str, title: str, **context: Any) -> TemplateResponse:
    # Or the templates look for the admin's other pages among these urls, and find none.
    request.current_app = admin.site.name
    shown = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/kill_switch/{name}.html", shown)


def _shown_run(run: KillSwitchRun) -> Mapping[str, Any]:
    end = run.finished_at or run.heard_at
    return {
        "run": run,
        "by": actor_text(run.actor),
        "seconds": f"{(end - run.started_at).total_seconds():,.1f}",
        "failed": sum(run.failures.values()),
        "failures": sorted(run.failures.items()),
    }


def _check(request: HttpRequest, action: Action) -> None:
    if not role_allows(request.user, action):
        raise PermissionDenied(f"your role does not allow this: {action}. Ask an operator")


def _check_any(request: HttpRequest) -> None:
    actions = (Action.CANCEL_EVERYTHING, Action.MANAGE_INSTRUMENTS, Action.STOP_VENUE)
    if not any(role_allows(request.user, action) for action in actions):
        raise PermissionDenied("the kill switch is for operators and compliance officers")


def _actor(request: HttpRequest) -> str:
    user: Any = request.user
    return session_actor(user_id=user.pk, username=user.get_username())
