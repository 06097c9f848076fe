"""GET /api/market: the session and all instruments that are traded, with their latest prices if there are any, and
GET /api/market/clock: the market's own time; for anyone who is logged in.

Reads the board and answers; when the board is empty or old the session's phase is STALE. Who may log in, and
how, is decided by the project's default authentication classes.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from edge.rest import Instant, RestView
from market.clock import read_clock
from market.instruments.current import current_instruments, current_venue
from market.instruments.definition import KINDS
from market.payloads import market_payload
from market.quote_board import read_board
from market.quotes import QuoteSource
from market.replay import Phase
from market.replay_file import UnreadableReplayFile, read_replay

_PRICE_HELP = "Decimal string with four decimals, in the instrument's currency; null without a price."


class MarketSessionSerializer(serializers.Serializer):
    """The replayed trading day."""

    date = serializers.DateField(
        allow_null=True, help_text="The trading day that is replayed; null when nothing is known of it."
    )
    market_time = serializers.DateTimeField(
        allow_null=True, help_text="The market's own instant: in the replay one of the replayed day."
    )
    phase = serializers.ChoiceField(
        choices=[phase.value for phase in Phase],
        help_text="PAUSED: an operator stopped it, prices stay, nothing is filled. STALE: no quotes for 10 seconds; "
        "prices are the latest known ones, or absent.",
    )
    simulated = serializers.BooleanField(help_text="Whether prices of the replay are among them, which are made up.")
    note = serializers.CharField(help_text="What is real and what is simulated, to be shown beside the prices.")


class MarketVenueSerializer(serializers.Serializer):
    """Whether the venue was stopped by hand: then orders wait, and can be placed and cancelled."""

    is_stopped = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True, help_text="Of the latest stop or start; null before the first.")
    actor = serializers.CharField(help_text="Who stopped or started it, such as user:17/alice.")
    reason = serializers.CharField()


class MarketInstrumentSerializer(serializers.Serializer):
    """One instrument and its latest quote."""

    symbol = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(KINDS)
    sector = serializers.CharField(help_text="GICS sector; empty where there is none.")
    exchange = serializers.CharField()
    currency = serializers.CharField(help_text="ISO 4217.")
    price_increment = serializers.CharField(help_text="Prices are multiples of it: decimal string, four decimals.")
    lot_size = serializers.CharField(help_text="Quantities are multiples of it: shares, as a decimal string.")
    is_halted = serializers.BooleanField(help_text="Whether trading is suspended: new orders and trades are refused.")
    price = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    bid = serializers.CharField(allow_null=True, help_text="What was said to be bid; null where nobody said it.")
    ask = serializers.CharField(allow_null=True, help_text="What was said to be asked; null where nobody said it.")
    previous_close = serializers.CharField(
        allow_null=True, help_text="The close of the day before; null where nobody said it."
    )
    session_open = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    day_high = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    day_low = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    at = serializers.DateTimeField(
        allow_null=True, help_text="The real time at which the price was said; null without a price."
    )
    source = serializers.ChoiceField([source.value for source in QuoteSource], allow_null=True)
    is_stale = serializers.BooleanField(help_text="Whether the price is too old to be traded at.")
    age_seconds = serializers.IntegerField(allow_null=True, help_text="How long ago the price was said.")


class MarketSerializer(serializers.Serializer):
    """The session and every instrument that is traded, by symbol."""

    session = MarketSessionSerializer()
    venue = MarketVenueSerializer()
    instruments = MarketInstrumentSerializer(many=True)


class MarketView(RestView):
    """The market now."""

    permission_classes = [IsAuthenticated]

    @extend_schema(operation_id="market_retrieve", responses=MarketSerializer, tags=["market"])
    def get(self, request: Request) -> Response:
        """Session and instruments with their latest prices."""
        now_us = time.time_ns() // 1_000
        sheet = read_board(redis_url=settings.REDIS_URL, now_us=now_us)
        return Response(market_payload(sheet, current_instruments(), current_venue(), now_us=now_us))


class ClockQuery(serializers.Serializer):
    """Which instant."""

    at = Instant(required=False, help_text="A real instant, not in the future; now when not given.")


class MarketClockSerializer(serializers.Serializer):
    """The market's own time at a real instant."""

    at = serializers.DateTimeField(help_text="The real instant.")
    market_time = serializers.DateTimeField(allow_null=True, help_text="The market's own; null before it ran.")
    date = serializers.DateField(allow_null=True, help_text="The trading day; null before the market ran.")
    phase = serializers.ChoiceField(
        choices=[phase.value for phase in Phase], help_text="STALE: the market had not run by then."
    )
    is_paused = serializers.BooleanField()
    seconds_per_day = serializers.IntegerField(
        allow_null=True, help_text="Real seconds of a trading day; null where the market is in real time."
    )


class ClockUnreadable(APIException):
    """The file that holds the clock cannot be read."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The market's clock cannot be read: an operator finds why in the log of the market process."
    default_code = "MARKET_UNAVAILABLE"


class MarketClockView(RestView):
    """The market's clock."""

    permission_classes = [IsAuthenticated]
    takes = (ClockQuery,)

    @extend_schema(
        operation_id="market_clock",
        parameters=[ClockQuery],
        responses={
            200: MarketClockSerializer,
            400: OpenApiResponse(description="no instant, or one that is still to come"),
            401: OpenApiResponse(description="nobody is logged in"),
            503: OpenApiResponse(description="MARKET_UNAVAILABLE: the clock cannot be read"),
        },
        tags=["market"],
    )
    def get(self, request: Request) -> Response:
        """Its time and phase at an instant."""
        now = datetime.now(UTC)
        at = self.asked.get("at", now)
        if at > now:
            raise serializers.ValidationError({"at": f"nobody knows yet how the market will run: it is {now}"})
        try:
            clock = read_replay(Path(settings.DATA_DIR))
        except UnreadableReplayFile as error:
            raise ClockUnreadable from error
        at_us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        return Response(read_clock(clock, at_us=at_us, is_replayed=settings.MARKET_REPLAY).shown())
