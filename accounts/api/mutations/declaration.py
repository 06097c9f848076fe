"""How a command becomes a mutation: declared once, and everything that all of them do is here.

A mutation takes one input: the account, the fields of the command, and an id that makes a retry safe. What is meant by
a field that is left out (or null: inputs.py) is the factory's to know, by the default of its parameter of that name.
The answer is a union of what the command does and of CommandRefused.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.answers import Answer, CommandRefused
from accounts.api.parsing.reference_price import reference_price
from accounts.api.submission import submit, submit_opening
from accounts.domain.commands import AccountCommand
from identity.permissions import Action

COMMAND_ID: Final = "Makes a retry safe; made by the server when it is not given."


class CommandMutation(NamedTuple):
    """A command as a mutation. `make` gets the fields that were given, by name, and raises CommandInvalid."""

    name: str
    """Of the command, as GraphQL's types are named after it."""
    summary: str
    fields: Mapping[str, graphene.types.unmountedtype.UnmountedType]
    """What is asked for, beside the account and the id."""
    success: type[Answer]
    make: Callable[..., AccountCommand]
    action: Action = Action.TRADE
    """What the asking user has to be allowed on the account."""
    opens_account: bool = False
    """Whether there is no account yet: `make` is given its `owner`."""
    needs_prices: bool = False
    """Whether `make` asks what the market says."""
    client_order_id: str | None = None
    """What is said of the field `clientOrderId`, when that is the id: `make` is given it, made up if there is none."""

    def field(self) -> graphene.Field:
        """Return the field of the schema."""
        return graphene.Field(
            self._result(), required=True, description=self.summary, resolver=self._resolve, input=self._input()
        )

    async def _resolve(self, root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]) -> graphene.ObjectType:
        given = dict(input)
        if self.needs_prices:
            await reference_price.load()
        if self.opens_account:
            command_id = given.pop("command_id", None)
            return await submit_opening(
                info, command_id=command_id, make_command=lambda owner: self.make(owner=owner, **given)
            )
        account_id = given.pop("account_id")
        if self.client_order_id is None:
            command_id = given.pop("command_id", None)
            make: Callable[[str], AccountCommand] = lambda _: self.make(**given)  # noqa: E731
        else:
            command_id = given.pop("client_order_id", None)
            make = lambda checked_id: self.make(client_order_id=checked_id, **given)  # noqa: E731
        return await submit(info, account_id=account_id, command_id=command_id, make_command=make, action=self.action)

    def _input(self) -> graphene.Argument:
        fields: dict[str, Any] = {} if self.opens_account else {"account_id": graphene.ID(required=True)}
        fields |= self.fields
        if self.client_order_id is None:
            fields["command_id"] = graphene.String(description=COMMAND_ID)
        else:
            fields["client_order_id"] = graphene.String(description=self.client_order_id)
        for field in fields.values():
            field.reset_counter()  # Fields of a type are shown in this order.
        made = type(f"{self.name}Input", (graphene.InputObjectType,), {"__doc__": self.summary, **fields})
        return graphene.Argument(made, required=True)

    def _result(self) -> type[graphene.Union]:
        meta = type("Meta", (), {"types": (self.success.object_type(), CommandRefused.object_type())})
        content = {"__doc__": "Success, or the refusal.", "Meta": meta}
        return type(f"{self.name}Result", (graphene.Union,), content)
