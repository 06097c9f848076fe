"""The market over GraphQL: programs with the right to it push prices, operators pause it and set its speed."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import graphene
import redis
from django.conf import settings
from graphql import GraphQLResolveInfo

from accounts.api.graphql.errors import ApiError, bad_request, forbidden
from accounts.api.mutations.batches import Entries
from accounts.api.submission import access_from
from accounts.scalars import BigInt
from edge.request_thread import on_another_thread
from identity.permissions import Access, Action, may_on_every_account, roles_that_may, why_no_command
from market.feeds.pushed import push_ticks
from market.feeds.ticks import OLDER_THAN_HELD, InvalidTick, Tick, parse_tick
from market.instruments.changes import InvalidReason
from market.instruments.current import current_instruments
from market.quote_board import valkey_client
from market.replay import Phase
from market.replay_file import NoReplay, TooManySegments, UnreadableReplayFile
from tradingplatform.market.operating import PAUSE, RESUME, Change, change_market, speed

QUOTES_MAX: Final = 1_000
"""Entries of one request."""


class QuoteBatch(Entries):
    """A list of up to 1,000 quotes, best given as a variable: {"symbol", "price" and/or "bid" and "ask", "bidSize",
    "askSize", "previousClose", "at" (RFC 3339; now when not given)}. All of them are texts: prices decimal strings with
    at most four decimals, sizes in shares.
    """


class QuoteOutcomes(Entries):
    """An outcome for each entry, in order: null for one that was taken, else {"code", "message"}."""


class QuotesPushed(graphene.ObjectType):
    """What became of quotes that were pushed."""

    accepted = BigInt(required=True)
    refused = BigInt(required=True)
    outcomes = graphene.Field(QuoteOutcomes, required=True)


class MarketClock(graphene.ObjectType):
    """The market's own time at a real instant."""

    at = graphene.String(required=True, description="The real instant.")
    market_time = graphene.String(description="The market's own instant; null before it ran.")
    date = graphene.String(description="The trading day.")
    phase = graphene.Enum.from_enum(Phase, description="What the market is doing.")(required=True)
    is_paused = graphene.Boolean(required=True)
    seconds_per_day = BigInt(description="Real seconds of a trading day; null where the market is in real time.")


class MarketChanged(graphene.ObjectType):
    """The market after a change."""

    clock = graphene.Field(MarketClock, required=True)
    is_changed = graphene.Boolean(required=True, description="False when it was so already: nothing was recorded.")


def _changed(description: str, **arguments: Any) -> graphene.Field:
    reason = graphene.String(required=True, description="Recorded with the change.")
    return graphene.Field(MarketChanged, required=True, description=description, **arguments, reason=reason)


class MarketMutation(graphene.ObjectType):
    """Pushing prices, and operating the market."""

    push_quotes = graphene.Field(
        QuotesPushed,
        required=True,
        quotes=QuoteBatch(required=True),
        description="Push up to 1,000 quotes, in order (the roles feed and operator). One bad entry fails alone.",
    )
    pause_market = _changed("Stop the market: prices stay, nothing is filled (operators only).")
    resume_market = _changed("Let the market go on from where it was paused (operators only).")
    set_market_speed = _changed(
        "Set how fast the replayed market runs (operators only).",
        seconds_per_day=BigInt(required=True, description="Real seconds of a trading day, 2 to 604,800."),
    )

    @staticmethod
    async def resolve_push_quotes(root: None, info: GraphQLResolveInfo, quotes: Any) -> dict[str, Any]:
        """Judge each entry, and keep those that are ticks."""
        await _access(info, Action.PUSH_QUOTES)
        if not isinstance(quotes, list):
            raise bad_request(f"quotes is a list of entries, found {type(quotes).__name__}")
        if len(quotes) > QUOTES_MAX:
            raise bad_request(f"{QUOTES_MAX:,} quotes at most in one request, found {len(quotes):,}: send several")
        outcomes = await on_another_thread(partial(_pushed, quotes))
        refused = sum(each is not None for each in outcomes)
        return {"accepted": len(outcomes) - refused, "refused": refused, "outcomes": outcomes}

    @staticmethod
    async def resolve_pause_market(root: None, info: GraphQLResolveInfo, reason: str) -> dict[str, Any]:
        """Pause it."""
        return await _change(info, lambda: PAUSE, reason)

    @staticmethod
    async def resolve_resume_market(root: None, info: GraphQLResolveInfo, reason: str) -> dict[str, Any]:
        """Resume it."""
        return await _change(info, lambda: RESUME, reason)

    @staticmethod
    async def resolve_set_market_speed(
        root: None, info: GraphQLResolveInfo, seconds_per_day: int, reason: str
    ) -> dict[str, Any]:
        """Set its speed."""
        return await _change(info, partial(speed, seconds_per_day), reason)


def _pushed(entries: list[Any]) -> list[dict[str, str] | None]:
    """Keep the ticks among entries; return the outcome of each."""
    instruments, now_us = current_instruments().by_symbol, time.time_ns() // 1_000
    outcomes: list[dict[str, str] | None] = [None] * len(entries)
    ticks: dict[int, Tick] = {}
    for index, entry in enumerate(entries):
        try:
            ticks[index] = parse_tick(entry, instruments, now_us=now_us)
        except InvalidTick as error:
            outcomes[index] = {"code": error.code, "message": str(error)}
    if ticks:
        try:
            taken = push_ticks(valkey_client(settings.REDIS_URL), list(ticks.values()))
        except redis.RedisError as error:
            raise ApiError("MARKET_UNAVAILABLE", "Redis does not answer, so no quotes were taken: try again") from error
        for (index, tick), is_taken in zip(ticks.items(), taken, strict=True):
            if not is_taken:
                message = f"a newer quote of {tick.symbol} was taken before: send quotes in the order of their instants"
                outcomes[index] = {"code": OLDER_THAN_HELD, "message": message}
    return outcomes


async def _change(info: GraphQLResolveInfo, make: Callable[[], Change], reason: str) -> dict[str, Any]:
    access = await _access(info, Action.OPERATE_MARKET)
    try:
        change = make()
        done = await on_another_thread(partial(change_market, change, actor=access.principal.actor, reason=reason))
    except (InvalidReason, ValueError) as error:
        raise bad_request(str(error)) from error
    except (NoReplay, TooManySegments, UnreadableReplayFile) as error:
        raise ApiError("MARKET_UNAVAILABLE", str(error)) from error
    return {"clock": _clock(done.clock.shown()), "is_changed": done.is_changed}


def _clock(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {**shown, "phase": Phase(shown["phase"])}


async def _access(info: GraphQLResolveInfo, action: Action) -> Access:
    """Return who asks, if their role on the platform allows it; raises FORBIDDEN."""
    access = await access_from(info)
    if not may_on_every_account(access, action):
        needed = " or ".join(sorted(roles_that_may(action)))
        reason = why_no_command(access) or f"your role on the platform is {access.platform_role}: this needs {needed}"
        raise forbidden(reason)
    return access
