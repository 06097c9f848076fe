"""Who may see and trade which account: its owner, whom the owner's operator gave access, and staff. Nobody else."""

from typing import Any, Final

from accounts.models import AccountAccess

STAFF: Final = "staff"
MAY_TRADE: Final = frozenset({AccountAccess.Role.OWNER.value, AccountAccess.Role.TRADER.value})


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
