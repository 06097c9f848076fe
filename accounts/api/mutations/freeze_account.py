"""freezeAccount: accept nothing more for an account until it is unfrozen (compliance only)."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import AccountFrozen
from accounts.application import factories
from accounts.permissions import Action

FREEZE_ACCOUNT: Final = CommandMutation(
    name="FreezeAccount",
    summary="Accept nothing more for an account until it is unfrozen (compliance only).",
    fields={
        "reason": graphene.String(required=True),
    },
    success=AccountFrozen,
    make=factories.freeze_account,
    action=Action.SUPERVISE,
)
