"""Who may see and trade which account: its owner, whom the owner's operator gave access, and staff. Nobody else."""

from typing import Any, Final, NamedTuple

from django.http import HttpRequest

from accounts.authentication import Principal, principal_of
from accounts.models import AccountAccess

STAFF: Final = "staff"
MAY_TRADE: Final = frozenset({AccountAccess.Role.OWNER.value, AccountAccess.Role.TRADER.value})


class Access(NamedTuple):
    """Who asks, and their role on the account in question (None: no access, or no account in question)."""

    principal: Principal
    role: str | None


def access_of(request: HttpRequest, account_id: str | None) -> Access | None:
    """Return who sends a request and their role on an account, or None when nobody is logged in.

    Raises AuthenticationFailed for a wrong key, CSRFRefused for a session without its CSRF token.
    """
    principal = principal_of(request)
    if principal is None:
        return None
    return Access(principal, None if account_id is None else role_on_account(principal.user, account_id))


def role_on_account(user: Any, account_id: str) -> str | None:
    """Return a user's role on an account ("owner", "trader", "viewer", "staff"), or None when it has no access."""
    if not user.is_authenticated:
        return None
    role = AccountAccess.objects.filter(user=user, account_id=account_id).values_list("role", flat=True).first()
    if role is not None:
        return str(role)
    return STAFF if user.is_staff else None


def accessible_account_ids(user: Any) -> list[str] | None:
    """Return the ids of every account that a user may see; None means all of them (staff)."""
    if not user.is_authenticated:
        return []
    if user.is_staff:
        return None
    ids = AccountAccess.objects.filter(user=user).values_list("account_id", flat=True)
    return [str(account_id) for account_id in ids]


def roles_by_account(user: Any) -> dict[str, str]:
    """Return the role that a user was given on each account."""
    rows = AccountAccess.objects.filter(user=user).values_list("account_id", "role")
    return {str(account_id): role for account_id, role in rows}


def grant_ownership(*, user: Any, account_id: str) -> None:
    """Make a user the owner of an account; done before the account is opened, so that none is ever without an owner."""
    AccountAccess.objects.get_or_create(
        user=user, account_id=account_id, defaults={"role": AccountAccess.Role.OWNER.value}
    )
