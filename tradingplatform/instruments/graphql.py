"""Instruments over GraphQL: everybody who is logged in may look, operators add, change, halt and resume."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, Final

import graphene
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError, bad_request, forbidden
from accounts.api.submission import access_from
from accounts.shapes import Choice, Flag, Money, ObjectShape, Shares, Text
from edge.request_thread import on_another_thread
from identity.permissions import Access, Action, may_on_every_account, roles_that_may, why_no_command
from market.instruments.changes import (
    InvalidReason,
    Saved,
    UnknownInstrument,
    save_instruments,
    set_halted,
    stored_definitions,
)
from market.instruments.current import Instruments, current_instruments
from market.instruments.definition import KINDS, InstrumentDefinition, InvalidInstrument, parse_field
from readmodels.api.graphql.connections import connection_of, key_of, page_arguments, page_of, page_size


class Instrument(ObjectShape):
    """What can be traded, and on which terms."""

    symbol = Text()
    name = Text()
    kind = Choice(KINDS)
    sector = Text("GICS sector; empty where there is none")
    exchange = Text()
    currency = Text("ISO 4217")
    price_increment = Money("Prices are multiples of it")
    lot_size = Shares("Quantities are multiples of it")
    is_tradable = Flag("False for what is not traded any more")
    is_halted = Flag("Trading is suspended for a time")


class InstrumentSaved(graphene.ObjectType):
    """An instrument as it is after a change that somebody asked for."""

    instrument = graphene.Field(Instrument.object_type(), required=True)
    is_changed = graphene.Boolean(required=True, description="False when it was that already: nothing was recorded.")


class SaveInstrumentInput(graphene.InputObjectType):
    """A new instrument with all its fields, or those fields of an instrument that change."""

    symbol = graphene.String(required=True, description="Capital letters, digits, dots and hyphens, at most 12.")
    name = graphene.String()
    kind = graphene.String(description=f"{', '.join(KINDS)}.")
    sector = graphene.String()
    exchange = graphene.String()
    currency = graphene.String(description="ISO 4217.")
    price_increment = graphene.String(description="Decimal string, at most 4 decimals.")
    lot_size = graphene.String(description="Decimal string, at most 6 decimals: 1 for whole shares.")
    is_tradable = graphene.Boolean(description="True for a new instrument when not given.")
    reason = graphene.String(required=True, description="Recorded with the change.")


class HaltInstrumentInput(graphene.InputObjectType):
    """Which instrument, and why."""

    symbol = graphene.String(required=True)
    reason = graphene.String(required=True, description="Recorded with the change.")


InstrumentConnection: Final = connection_of("InstrumentConnection", Instrument.object_type(), "Instruments by symbol.")


class InstrumentsQuery(graphene.ObjectType):
    """Looking at instruments."""

    instruments = graphene.Field(
        InstrumentConnection,
        search=graphene.String(description="A part of a symbol or of a name, in any case."),
        **page_arguments(),
        description="Every instrument, also what is not traded any more.",
    )

    @staticmethod
    async def resolve_instruments(
        root: None,
        info: GraphQLResolveInfo,
        search: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        """Return a page of what this process holds."""
        await access_from(info)
        size = page_size(first)
        key = "" if after is None else key_of("instruments", after, partial(parse_field, "symbol"))
        instruments = current_instruments()
        found = _found(instruments, search or "")
        start = bisect_right(found, key)
        rows = [instruments.by_symbol[symbol] for symbol in found[start : start + size + 1]]
        return await page_of(
            rows, kind="instruments", size=size, key=lambda row: row.symbol, show=Instrument.show, after=after
        )


class InstrumentsMutation(graphene.ObjectType):
    """Changing them."""

    save_instrument = graphene.Field(
        InstrumentSaved,
        required=True,
        input=SaveInstrumentInput(required=True),
        description="Add an instrument, or change some of its fields (operators only).",
    )
    halt_instrument = graphene.Field(
        InstrumentSaved,
        required=True,
        input=HaltInstrumentInput(required=True),
        description="Suspend the trading of an instrument: new orders and trades are refused, orders can be cancelled "
        "(operators only).",
    )
    resume_instrument = graphene.Field(
        InstrumentSaved,
        required=True,
        input=HaltInstrumentInput(required=True),
        description="Let a halted instrument be traded again (operators only).",
    )

    @staticmethod
    async def resolve_save_instrument(root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]) -> dict[str, Any]:
        """Check the fields that are given, and save them."""
        actor = await _actor(info)
        given = dict(input)
        symbol, reason = given["symbol"], given.pop("reason")
        try:
            change = {
                name: value if isinstance(value, bool) else parse_field(name, value) for name, value in given.items()
            }
        except InvalidInstrument as error:
            raise _invalid(error) from error
        return await _saved(symbol, partial(save_instruments, [change], actor=actor, reason=reason))

    @staticmethod
    async def resolve_halt_instrument(root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]) -> dict[str, Any]:
        """Halt it."""
        return await _halted(info, input, is_halted=True)

    @staticmethod
    async def resolve_resume_instrument(
        root: None, info: GraphQLResolveInfo, input: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Resume it."""
        return await _halted(info, input, is_halted=False)


async def _halted(info: GraphQLResolveInfo, given: Mapping[str, Any], *, is_halted: bool) -> dict[str, Any]:
    actor, symbol = await _actor(info), given["symbol"]
    return await _saved(symbol, partial(set_halted, [symbol], is_halted=is_halted, actor=actor, reason=given["reason"]))


async def _actor(info: GraphQLResolveInfo) -> str:
    """Return who asks, if they may change instruments; raises FORBIDDEN."""
    access = await access_from(info)
    if not may_on_every_account(access, Action.MANAGE_INSTRUMENTS):
        raise forbidden(_why_not(access))
    return access.principal.actor


def _why_not(access: Access) -> str:
    needed = " or ".join(sorted(roles_that_may(Action.MANAGE_INSTRUMENTS)))
    return why_no_command(access) or f"your role on the platform is {access.platform_role}: this needs {needed}"


async def _saved(symbol: str, save: Callable[[], Saved]) -> dict[str, Any]:
    """Save a change, and return the instrument as it is then."""

    def work() -> tuple[Saved, InstrumentDefinition]:
        return save(), stored_definitions([symbol])[symbol]

    try:
        saved, definition = await on_another_thread(work)
    except InvalidInstrument as error:
        raise _invalid(error) from error
    except UnknownInstrument as error:
        raise ApiError("NOT_FOUND", str(error)) from error
    except InvalidReason as error:
        raise bad_request(str(error)) from error
    return {"instrument": Instrument.show(definition), "is_changed": not saved.unchanged}


def _invalid(error: InvalidInstrument) -> ApiError:
    return ApiError("INVALID_INSTRUMENT", str(error), field=error.field)


def _found(instruments: Instruments, search: str) -> list[str]:
    """Return the symbols of those that a search is for, in their order."""
    wanted = search.strip().lower()
    return [symbol for symbol, text in _searched(instruments) if wanted in text]


@lru_cache(maxsize=1)
def _searched(instruments: Instruments) -> list[tuple[str, str]]:
    return [(symbol, f"{symbol}\n{each.name}".lower()) for symbol, each in instruments.by_symbol.items()]
