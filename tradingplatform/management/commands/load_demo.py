"""manage.py load_demo: instruments, past bars, users, accounts and keys of the demo. Safe to run again: what exists is
left as it is, and what somebody took away (a user, access to an account) is not given back.
"""

import json
import os
import time
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from accounts.api.parsing import factories
from accounts.domain.commands import AccountCommand
from accounts.domain.errors import Code
from accounts.domain.values import format_amount
from accounts.writer.bus.ports import Bus
from accounts.writer.envelope import Envelope, Executed
from identity.actors import platform_actor, user_reference
from identity.api.session import DEMO_LOGINS_FILE
from identity.api_keys import create_api_key
from identity.models import AccountAccess
from identity.permissions import TRADER, VIEWER, give_role, grant_ownership
from market.bars.recorder import write_history
from market.instruments.changes import save_instruments
from market.instruments.csv_file import DEMO_FILE, read_file
from market.instruments.current import current_instruments
from market.quotes import quotes_at
from market.replay import ReplayPosition
from market.replay_file import open_replay
from tradingplatform.bootstrap import make_in_process_bus
from tradingplatform.demo.demo_accounts import (
    ACCOUNTS,
    FILE_NAME,
    FIRST_TRADES,
    PASSWORD,
    TRADED_ACCOUNTS_MAX_DAILY_VALUE,
    USERS,
    DemoUser,
    SeedAccount,
)

DEMO: Final = platform_actor("demo")


class Command(BaseCommand):
    help = (
        "Load the demo: its instruments, users with public passwords, accounts, and the API keys of the demo traders."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--web-url", default="http://127.0.0.1:8000", help="where the demo traders find the API")

    def handle(self, *args: Any, **options: Any) -> None:
        instruments = list(read_file(DEMO_FILE).values())
        save_instruments(instruments, actor=DEMO, reason="the demo", only_new=True)
        with connection.cursor() as cursor:
            write_history(cursor, before_day_index=_position(_now_us()).day_index)
        if not (settings.DATA_DIR / DEMO_LOGINS_FILE).exists():  # The last thing to be made.
            for user in USERS:
                _make_user(user)
        demo_file = settings.DATA_DIR / FILE_NAME
        if demo_file.exists():
            content = json.loads(demo_file.read_text())
            _write_private(demo_file, {**content, "web_url": options["web_url"]})
        else:
            bus = make_in_process_bus()
            made = [(account, _make_account(bus, account)) for account in ACCOUNTS]
            traded = [_strategy(*each) for each in made if each[0].strategy is not None]
            booked = [entry for each in made for entry in _integrators(*each)]
            _write_private(demo_file, {"web_url": options["web_url"], "accounts": traded, "integrators": booked})
        logins = [{"username": user.username, "password": PASSWORD, "description": user.description} for user in USERS]
        _write_private(settings.DATA_DIR / DEMO_LOGINS_FILE, logins)
        for login in logins:
            self.stdout.write(f"{login['username']:<12}{login['password']:<16}{login['description']}")


def _make_user(demo: DemoUser) -> None:
    users = get_user_model().objects
    if users.filter(username=demo.username).exists():
        return
    first_name, _, last_name = demo.full_name.partition(" ")
    user = users.create_user(
        demo.username,
        password=PASSWORD,
        first_name=first_name,
        last_name=last_name,
        is_staff=demo.is_staff,
        is_superuser=demo.is_superuser,
    )
    if demo.is_staff and not demo.is_superuser:
        viewing = Permission.objects.filter(
            content_type__app_label__in=("readmodels", "identity"), codename__startswith="view_"
        )
        user.user_permissions.set(viewing)
    if demo.role is not None:
        give_role(user, demo.role)


def _make_account(bus: Bus, demo: SeedAccount) -> str:
    """Open and fund an account; return its id."""
    users = get_user_model().objects
    owner = users.get(username=demo.owner)
    opening_id = f"demo-open-{demo.owner}-{demo.name.replace(' ', '-')}"
    reference = user_reference(owner.pk)
    account_id = factories.account_id_for(owner=reference, command_id=opening_id)
    with transaction.atomic():
        if grant_ownership(user=owner, account_id=account_id):
            roles = dict.fromkeys(demo.viewers, VIEWER) | dict.fromkeys(demo.integrators, TRADER)
            AccountAccess.objects.bulk_create(
                AccountAccess(user=user, account_id=account_id, role=roles[user.get_username()])
                for user in users.filter(username__in=roles)
            )
    opening = factories.open_account(owner=reference, name=demo.name, currency="USD")
    for command_id, command in [(opening_id, opening), *_setting_up(demo)]:
        _execute(bus, account_id, command_id, command)
    return account_id


def _strategy(demo: SeedAccount, account_id: str) -> dict[str, str | None]:
    """Return the demo trader's entry of an account that a strategy trades."""
    key = create_api_key(user=get_user_model().objects.get(username=demo.owner), name=f"demo-{demo.strategy}")
    return {"account_id": account_id, "name": demo.name, "strategy": demo.strategy, "api_key": key}


def _integrators(demo: SeedAccount, account_id: str) -> list[dict[str, str]]:
    """Return an entry for each integrator of an account."""
    return [
        {
            "account_id": account_id,
            "name": demo.name,
            "username": user.get_username(),
            "api_key": create_api_key(user=user, name="demo-booking"),
        }
        for user in get_user_model().objects.filter(username__in=demo.integrators)
    ]


def _setting_up(demo: SeedAccount) -> list[tuple[str, AccountCommand]]:
    commands: list[tuple[str, AccountCommand]] = [
        ("demo-deposit", factories.deposit_cash(amount=demo.deposit, reference="First deposit"))
    ]
    if demo.strategy is not None:
        limits = factories.change_risk_limits(
            max_position_percent="10",
            max_daily_value=TRADED_ACCOUNTS_MAX_DAILY_VALUE,
            max_trade_value="100000",
            price_band_percent="10",
        )
        return [*commands, ("demo-limits", limits)]
    prices = _prices()
    for symbol, quantity in FIRST_TRADES:
        trade = factories.execute_trade(
            symbol=symbol,
            side="BUY",
            quantity=quantity,
            price=format_amount(prices[symbol]),
            market_price=prices.__getitem__,
        )
        commands.append((f"demo-buy-{symbol}", trade))
    return commands


def _prices() -> dict[str, int]:
    """Return what every instrument costs in the simulated market now."""
    now_us = _now_us()
    adjustments = current_instruments().adjustments
    sheet = quotes_at(_position(now_us), now_us=now_us, adjustments=adjustments)
    return {quote.symbol: quote.price for quote in sheet.quotes}


def _position(now_us: int) -> ReplayPosition:
    """Return where the simulated market is."""
    clock = open_replay(
        data_dir=settings.DATA_DIR,
        seconds_per_day=settings.MARKET_SECONDS_PER_DAY,
        start_date=date.fromisoformat(settings.MARKET_START_DATE),
        now_us=now_us,
    )
    return clock.position(now_us)


def _now_us() -> int:
    return time.time_ns() // 1_000


def _execute(bus: Bus, account_id: str, command_id: str, command: AccountCommand) -> None:
    (result,) = bus.submit([Envelope(aggregate_id=account_id, command_id=command_id, actor=DEMO, command=command)])
    if not isinstance(result, Executed) and result.code != Code.COMMAND_ID_REUSED:  # Bought before, at another price.
        raise CommandError(f"{type(command).__name__} of the demo failed: {result.code}: {result.message}")


def _write_private(path: Path, content: Any) -> None:
    """Replace a file that only its owner may read."""
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600)
    made.write_text(json.dumps(content, indent=2))
    os.replace(made, path)
