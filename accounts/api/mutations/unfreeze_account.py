"""unfreezeAccount: let a frozen account trade again (compliance only)."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import AccountUnfrozen
from accounts.application import factories
from accounts.permissions import Action

UNFREEZE_ACCOUNT: Final = CommandMutation(
    name="UnfreezeAccount",
    summary="Let a frozen account trade again (compliance only).",
    fields={
        "reason": graphene.String(required=True),
    },
    success=AccountUnfrozen,
    make=factories.unfreeze_account,
    action=Action.SUPERVISE,
)
