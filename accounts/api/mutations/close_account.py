"""closeAccount: end an account, for ever."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import AccountClosed
from accounts.application import factories
from accounts.permissions import Action

CLOSE_ACCOUNT: Final = CommandMutation(
    name="CloseAccount",
    summary="End an account that is empty, for ever: no cash, no shares, no working orders.",
    fields={
        "reason": graphene.String(required=True),
    },
    success=AccountClosed,
    make=factories.close_account,
    action=Action.CLOSE,
)
