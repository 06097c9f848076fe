"""openAccount: open an account for the asking user, who becomes its owner."""

from typing import Final

import graphene

from accounts.api.mutations.declaration import CommandMutation
from accounts.api.types import AccountOpened
from accounts.application import factories

OPEN_ACCOUNT: Final = CommandMutation(
    name="OpenAccount",
    summary="Open an account for the asking user, who becomes its owner.",
    fields={
        "name": graphene.String(required=True),
        "currency": graphene.String(description="ISO 4217; USD when not given."),
    },
    success=AccountOpened,
    make=factories.open_account,
    opens_account=True,
)
