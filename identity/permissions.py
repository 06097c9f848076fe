"""Who may do what, in one place: a role on an account, a role on the platform, and what an API key is for.

A command is allowed when the role on its account allows it (owner, trader, viewer: a row of AccountAccess), or the
user's role on the platform allows it on any account (a Django group; see `platform_role`). Trades that were executed
elsewhere are booked by operators, and by integrators on the accounts that they trade; prices are pushed by operators
and by the programs that have the role feed. A viewer of the platform and a key that is for reading send no command at
all, whatever else they have. What a role may do in the admin is the last of the tables, which
`PlatformRoleBackend` gives to Django.
"""

import asyncio
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import structlog
from asgiref.sync import sync_to_async
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed

from edge import database
from identity import users
from identity.actors import user_reference
from identity.api_keys import bearer_key
from identity.authentication import Principal, aprincipal_of_key, principal_of
from identity.models import AccountAccess, AccountOpening, ApiKey
from identity.recent_access import RecentAccess

log = structlog.get_logger(__name__)

OWNER: Final = AccountAccess.Role.OWNER.value
TRADER: Final = AccountAccess.Role.TRADER.value
VIEWER: Final = AccountAccess.Role.VIEWER.value
INTEGRATOR: Final = "integrator"
FEED: Final = "feed"
COMPLIANCE: Final = "compliance"
OPERATOR: Final = "operator"
STAFF: Final = "staff"
"""Who sees every account and has no role on it; as a role on the platform: `is_staff` without a group."""
SUPERUSER: Final = "superuser"

GROUPS: Final = (VIEWER, TRADER, FEED, INTEGRATOR, COMPLIANCE, OPERATOR)
"""The roles that are Django groups, made by migrations. Of several, the first in this order counts: the narrowest."""
ROLES_WITH_ADMIN: Final = frozenset({COMPLIANCE, OPERATOR})


class Action(StrEnum):
    """What can be done with an account, or beside all of them."""

    SEE = "see"
    TRADE = "trade"
    """Move cash, place, replace and cancel orders."""
    BOOK_TRADE = "book trades that were executed elsewhere"
    END_ORDER = "expire and reject orders"
    CANCEL_EVERYTHING = "cancel the orders of a user, a symbol or the firm"
    SUPERVISE = "freeze, unfreeze and change limits"
    CLOSE = "close"
    MANAGE_INSTRUMENTS = "add, change, halt and resume instruments, announce corporate actions"
    PUSH_QUOTES = "push the market's prices"
    OPERATE_MARKET = "pause the market and set its speed"
    STOP_VENUE = "stop and start the venue"
    """The last four are of no account: a role on the platform allows them."""


ON_OWN_ACCOUNT: Final[Mapping[str, frozenset[Action]]] = {
    OWNER: frozenset({Action.SEE, Action.TRADE, Action.CLOSE}),
    TRADER: frozenset({Action.SEE, Action.TRADE}),
    VIEWER: frozenset({Action.SEE}),
}
"""What a role on an account allows there."""

ON_TRADED_ACCOUNTS: Final[Mapping[str, frozenset[Action]]] = {INTEGRATOR: frozenset({Action.BOOK_TRADE})}
"""What a role on the platform allows besides on the accounts that its holder is owner or trader of."""

ON_EVERY_ACCOUNT: Final[Mapping[str, frozenset[Action]]] = {
    VIEWER: frozenset(),
    TRADER: frozenset(),
    FEED: frozenset({Action.PUSH_QUOTES}),
    INTEGRATOR: frozenset(),
    STAFF: frozenset({Action.SEE, Action.SUPERVISE, Action.CLOSE}),
    COMPLIANCE: frozenset({Action.SEE, Action.SUPERVISE, Action.CLOSE, Action.CANCEL_EVERYTHING}),
    OPERATOR: frozenset(
        {
            Action.SEE,
            Action.BOOK_TRADE,
            Action.END_ORDER,
            Action.CANCEL_EVERYTHING,
            Action.MANAGE_INSTRUMENTS,
            Action.PUSH_QUOTES,
            Action.OPERATE_MARKET,
            Action.STOP_VENUE,
        }
    ),
    SUPERUSER: frozenset(Action),
}
"""What a role on the platform allows on every account, one's own or not."""

IN_THE_ADMIN: Final[Mapping[str, frozenset[str]]] = {
    COMPLIANCE: frozenset({"view"}),
    OPERATOR: frozenset(
        {
            "view",
            "auth.add_user",
            "auth.change_user",
            "identity.add_accountaccess",
            "identity.change_accountaccess",
            "identity.delete_accountaccess",
            "identity.change_apikey",
            "axes.delete_accessattempt",
            "market.add_instrument",
            "market.change_instrument",
            "market.add_corporateaction",
            "market.change_corporateaction",
        }
    ),
}
"""What a role may do in the admin, as Django's permissions; "view" is to look at everything."""


def role_allows(user: Any, action: Action) -> bool:
    """Tell whether the role on the platform of somebody who is logged in allows it on every account."""
    return action in ON_EVERY_ACCOUNT[platform_role(user)]


def roles_that_may(action: Action) -> frozenset[str]:
    """Return the roles, on an account and on the platform, whose holders may do something with an account."""
    tables = (ON_OWN_ACCOUNT, ON_TRADED_ACCOUNTS, ON_EVERY_ACCOUNT)
    return frozenset(role for table in tables for role, actions in table.items() if action in actions)


class Access(NamedTuple):
    """Who asks, their role on the account in question (None: no access, or no account in question), and on the
    platform.
    """

    principal: Principal
    role: str | None
    platform_role: str = TRADER


def access_of(request: HttpRequest, account_id: str | None) -> Access | None:
    """Return who sends a request and their roles, or None when nobody is logged in.

    Raises AuthenticationFailed for a wrong key, CSRFRefused for a session without its CSRF token.
    """
    principal = principal_of(request)
    if principal is None:
        return None
    role = None if account_id is None else role_on_account(principal.user, account_id)
    return Access(principal, role, platform_role(principal.user))


RENEWAL_PAUSE_SECONDS: Final = 0.001
"""How long a look-up that goes on beside a request lets that one come first: it is sent to the writer by then."""
_recent_access: Final = RecentAccess[Access]()
_renewals: Final[set[asyncio.Task[None]]] = set()
"""Look-ups that go on beside their requests; a loop itself does not hold its tasks."""


async def aaccess_of(request: HttpRequest, account_id: str | None = None) -> Access | None:
    """Return what `access_of` does, for an API key without a thread; one that asked just now is not looked up."""
    return recent_access(request, account_id) or await find_access(request, account_id)


def recent_access(request: HttpRequest, account_id: str | None) -> Access | None:
    """Return what the API key of a request was found to be allowed within the last second, None when it was not asked.

    Who goes on asking is looked up anew, beside their requests, so that none of them waits for it.
    """
    key = bearer_key(request.headers.get("Authorization", ""))
    access = None if key is None else _recent_access.find(key, account_id)
    if key is not None and access is not None:
        as_of = _recent_access.begin_renewal(key, account_id)
        if as_of is not None:
            renewal = asyncio.create_task(_renew(key, account_id, as_of))
            _renewals.add(renewal)
            renewal.add_done_callback(_renewals.discard)
    return access


def access_before_outage(request: HttpRequest, account_id: str | None) -> Access | None:
    """Return what the API key of a request was allowed before the database went away, None when that is not known."""
    key = bearer_key(request.headers.get("Authorization", ""))
    return None if key is None else _recent_access.find_during_outage(key, account_id)


async def find_access(request: HttpRequest, account_id: str | None) -> Access | None:
    """Return what the database says of who sends a request: of an API key by one statement and without a thread.

    Raises as `access_of` does.
    """
    key = bearer_key(request.headers.get("Authorization", ""))
    if key is None:
        return await sync_to_async(access_of)(request, account_id)
    return await aaccess_of_key(key, account_id)


async def aaccess_of_key(key: str, account_id: str | None, *, as_of: float | None = None) -> Access:
    """Return what the database says of an API key: of a request's and of a socket's. Raises AuthenticationFailed.

    It is remembered for requests as found now, or `as_of` an instant before.
    """
    try:
        principal, given = await aprincipal_of_key(key, account_id)
    except AuthenticationFailed:
        _recent_access.forget(key)
        raise
    user = principal.user
    role = STAFF if given is None and account_id is not None and sees_every_account(user) else given
    access = Access(principal, role, platform_role(user))
    if account_id is None or role is not None:
        _recent_access.remember(key, account_id, access, as_of=as_of)
    else:
        _recent_access.forget(key, account_id)
    return access


async def _renew(key: str, account_id: str | None, as_of: float) -> None:
    """Look an access up that was found half of its time ago. What keeps that from working the next request says."""
    try:
        await asyncio.sleep(RENEWAL_PAUSE_SECONDS)
        await aaccess_of_key(key, account_id, as_of=as_of)
    except AuthenticationFailed:
        log.info("an access has ended")
    except OperationalError as error:
        log.info("an access was not looked up anew", reason=str(error))
    finally:
        _recent_access.end_renewal(key, account_id)


def platform_role(user: Any) -> str:
    """Return a user's role on the platform: its group's name, "superuser", "staff", or "trader" when it has none.

    It is found once for each user object, of what is known of it (users.py) or else by a query.
    """
    known: str | None = getattr(user, "_platform_role", None)
    if known is None:
        known = user._platform_role = _platform_role(user)
    return known


def _platform_role(user: Any) -> str:
    if user.is_superuser:
        return SUPERUSER
    groups: Collection[str] | None = getattr(user, "group_names", None)
    if groups is None:
        groups = set(user.groups.filter(name__in=GROUPS).values_list("name", flat=True))
    return next((name for name in GROUPS if name in groups), STAFF if user.is_staff else TRADER)


def why_no_command(access: Access) -> str | None:
    """Return why somebody may send no command at all, None when they may."""
    if access.principal.scope == ApiKey.Scope.READ:
        return "this API key is for reading: send commands with a key whose scope is trade"
    if access.platform_role == VIEWER:
        return "your role on the platform is viewer, who sends no commands: ask an operator for another role"
    return None


def may_on_every_account(access: Access, action: Action) -> bool:
    """Tell whether somebody's role on the platform alone allows it: then no role on an account has to be asked for."""
    return action in ON_EVERY_ACCOUNT[access.platform_role] and why_no_command(access) is None


def why_not(access: Access, account_id: str, action: Action) -> str | None:
    """Return why a command may not do this with an account, in a sentence for whom it is refused; None when it may."""
    reason = why_no_command(access)
    if reason is not None:
        return reason
    on_this_one = ON_OWN_ACCOUNT.get(access.role or "", frozenset())
    if Action.TRADE in on_this_one:
        on_this_one |= ON_TRADED_ACCOUNTS.get(access.platform_role, frozenset())
    if action in on_this_one | ON_EVERY_ACCOUNT[access.platform_role]:
        return None
    if access.role is None:
        return f"you have no access to account {account_id}: check the id, or ask its owner for access"
    if action is Action.BOOK_TRADE and access.platform_role != INTEGRATOR:
        return (
            f"your role on the platform is {access.platform_role}, and trades that were executed elsewhere are booked "
            f"by {_either(roles_that_may(action))}: place an order (placeOrder), or ask an operator for the role "
            f"{INTEGRATOR}"
        )
    needed = _either(roles_that_may(Action.TRADE if action is Action.BOOK_TRADE else action))
    shown = access.platform_role if access.role == STAFF else access.role
    return f"your role on account {account_id} is {shown}: this needs {needed}"


def _either(roles: frozenset[str]) -> str:
    return " or ".join(sorted(roles - {SUPERUSER}))


ACCESS_TABLE: Final = AccountAccess._meta.db_table
GIVEN_TOGETHER_SECONDS: Final = 0.05
ROLE_SQL: Final = f"SELECT role FROM {ACCESS_TABLE} WHERE user_id = %s AND account_id = %s"  # noqa: S608
"""The role that a user was given on an account."""


def role_on_account(user: Any, account_id: str) -> str | None:
    """Return a user's role on an account ("owner", "trader", "viewer", "staff"), or None when it has no access.

    "staff" is whoever sees every account by their role on the platform.
    """
    if not user.is_authenticated:
        return None
    with connection.cursor() as cursor:  # Asked for every query: the ORM would take twice as long as the database.
        cursor.execute(ROLE_SQL, [user.pk, account_id])
        found = cursor.fetchone()
    if found is not None:
        return str(found[0])
    return STAFF if sees_every_account(user) else None


async def agiven_role(*, user_id: int, account_id: str) -> str | None:
    """Return the role that a user was given on an account, without a thread."""
    rows = await database.read_reserved(ROLE_SQL, [user_id, account_id])
    return str(rows[0][0]) if rows else None


_NOW: Final = f"SELECT {users.COLUMNS}, ({ROLE_SQL}) FROM {users.TABLE} AS holder WHERE id = %s AND is_active"  # noqa: S608


async def arole_on_account(*, user_id: int, account_id: str | None) -> str | None:
    """Return what `role_on_account` does for a user as they are now, for a socket: by one statement, without a thread.

    Without an account it is what they are on every one: "staff", or None.
    """
    rows = await database.read_for_socket(_NOW, [user_id, account_id, user_id])
    if not rows:
        return None
    *values, given = rows[0]
    return given or (STAFF if sees_every_account(users.user_of(values)) else None)


_ROLES: Final = f"""
    SELECT account_id::text, role FROM {ACCESS_TABLE} WHERE user_id = %s AND account_id = ANY(%s::uuid[])
"""  # noqa: S608 - of the name of our own table.


async def aroles_on_accounts(access: Access, account_ids: Collection[str]) -> dict[str, str]:
    """Return somebody's role on each of these accounts that they have access to, asking once and without a thread."""
    given = dict(await database.read_reserved(_ROLES, [access.principal.user.pk, list(account_ids)]))
    sees_every_one = Action.SEE in ON_EVERY_ACCOUNT[access.platform_role]
    return dict.fromkeys(account_ids, STAFF) | given if sees_every_one else given


def accessible_account_ids(user: Any) -> list[str] | None:
    """Return the ids of every account that a user may see; None means all of them."""
    if not user.is_authenticated:
        return []
    if sees_every_account(user):
        return None
    ids = AccountAccess.objects.filter(user=user).values_list("account_id", flat=True)
    return [str(account_id) for account_id in ids]


def sees_every_account(user: Any) -> bool:
    """Tell whether a user sees every account by their role on the platform."""
    return Action.SEE in ON_EVERY_ACCOUNT[platform_role(user)]


_GIVEN: Final = f"""
    SELECT asked.user_id, given.account_id::text, given.role FROM unnest(%s::bigint[]) AS asked (user_id)
    CROSS JOIN LATERAL (SELECT account_id, role FROM {ACCESS_TABLE} WHERE user_id = asked.user_id LIMIT %s) AS given
"""  # noqa: S608 - of the name of our own table.


class GivenRoles:
    """The roles that users were given, for sockets that go on asking: all that ask within GIVEN_TOGETHER_SECONDS share
    one statement, so that a thousand of them cost what a few do.
    """

    def __init__(self, limit: int) -> None:
        """Of each user at most so many accounts are looked at."""
        self._limit = limit
        self._user_ids: set[int] = set()
        self._asking: asyncio.Task[dict[int, dict[str, str]]] | None = None

    async def of(self, user_id: int) -> dict[str, str]:
        """Return the role that a user was given on each account, without a thread; raises OperationalError."""
        if self._asking is None or self._asking.get_loop() is not asyncio.get_running_loop():
            self._user_ids = set()
            self._asking = asyncio.create_task(self._ask(self._user_ids))
        self._user_ids.add(user_id)
        found = await asyncio.shield(self._asking)  # Who leaves takes nothing from the others.
        return found.get(user_id, {})

    async def _ask(self, user_ids: set[int]) -> dict[int, dict[str, str]]:
        await asyncio.sleep(GIVEN_TOGETHER_SECONDS)
        self._asking = None
        found: dict[int, dict[str, str]] = {}
        for user_id, account_id, role in await database.read_reserved(_GIVEN, [list(user_ids), self._limit]):
            found.setdefault(user_id, {})[account_id] = role
        return found


_OPENING: Final = f"""
    INSERT INTO {AccountOpening._meta.db_table} (account_id, owner, granted_at) VALUES (%s, %s, now())
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - of the name of our own table.


def grant_ownership(*, user: Any, account_id: str) -> bool:
    """Make a user the owner of an account that they are about to open, so that none is ever without an owner.

    Once for an account, whoever asks: a second time nothing is given, and False is returned. What was taken away in
    between stays taken away.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_OPENING, [account_id, user_reference(user.pk)])
            is_first = cursor.rowcount == 1
        if is_first:
            AccountAccess.objects.get_or_create(user=user, account_id=account_id, defaults={"role": OWNER})
    return is_first


def give_role(user: Any, role: str) -> None:
    """Give a user one role and take every other away: its group, and `is_staff`, which lets somebody into the admin."""
    user.groups.remove(*Group.objects.filter(name__in=GROUPS).exclude(name=role))
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    open_admin(user, is_open=role in ROLES_WITH_ADMIN)


def open_admin(user: Any, *, is_open: bool) -> None:
    """Let a user into the admin, or no longer; superusers always stay in."""
    if user.is_staff != is_open and not user.is_superuser:
        user.is_staff = is_open
        user.save(update_fields=["is_staff"])


class PlatformRoleBackend(BaseBackend):
    """Gives a role its permissions in the admin, beside those given to single users. It logs nobody in."""

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
