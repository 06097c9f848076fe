"""GET /api/market: the session and all instruments that are traded, with their latest prices if there are any, for
anyone who is logged in.

Reads the board and answers; when the board is empty or old the session's phase is STALE. Who may log in, and
how, is decided by the project's default authentication classes.
"""

import time

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from edge.rest import RestView
from market.instruments.current import current_instruments, current_venue
from market.instruments.definition import KINDS
from market.payloads import market_payload
from market.quote_board import read_board
from market.replay import Phase

_PRICE_HELP = "Decimal string with four decimals, in the instrument's currency; null without a price. Simulated."


class MarketSessionSerializer(serializers.Serializer):
    """The replayed trading day."""

    date = serializers.DateField(
        allow_null=True, help_text="The trading day that is replayed; null when nothing is known of it."
    )
    phase = serializers.ChoiceField(
        choices=[phase.value for phase in Phase],
        help_text="STALE: no quotes for 10 seconds; prices are the latest known ones, or absent.",
    )
    simulated = serializers.BooleanField(help_text="Always true: prices within a day are made up.")
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
    previous_close = serializers.CharField(
        allow_null=True, help_text="The real close of the day before, rounded to the cent; null without a price."
    )
    session_open = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    day_high = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    day_low = serializers.CharField(allow_null=True, help_text=_PRICE_HELP)
    at = serializers.DateTimeField(
        allow_null=True, help_text="The real time at which the quote was made; null without a price."
    )


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
        sheet = read_board(redis_url=settings.REDIS_URL, now_us=time.time_ns() // 1_000)
        return Response(market_payload(sheet, current_instruments(), current_venue()))
