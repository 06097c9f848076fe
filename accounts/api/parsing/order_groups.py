"""Orders with exits, and exits alone, from untrusted input: as a single order is (factories.py), and of two exits one
has to win and the other one to lose.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

from accounts.api.parsing import factories
from accounts.domain.commands import Decline, PlaceBracket, PlaceOco, PlaceOrder
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import Side
from accounts.domain.order_groups import stop_loss_type
from accounts.domain.order_terms import is_no_worse

_EXIT_TIMES: Final = ("DAY", "GTC", "GTD")

Exit = Mapping[str, str]
"""What is given of an exit, by the names of the input's fields."""


def place_bracket(
    *,
    new_id: Callable[[], str],
    take_profit: Exit | None = None,
    stop_loss: Exit | None = None,
    **given: Any,
) -> PlaceBracket | Decline:
    """Return a checked PlaceBracket, or its declining; `given` is what placing the first order takes, and one exit is
    given at least.
    """
    placed = factories.place_order(**given)
    entry = placed.command if isinstance(placed, Decline) else placed
    assert isinstance(entry, PlaceOrder), "that is what was asked for"
    terms = {name: getattr(entry, name) for name in entry.__struct_fields__}
    command = PlaceBracket(**_exits(new_id, take_profit, stop_loss), **terms)
    side: Side = "SELL" if entry.side == "BUY" else "BUY"
    _check_exits(command, side)
    _check_beyond(side, command, entry.limit_price or entry.stop_price)
    return Decline(command, placed.code, placed.message) if isinstance(placed, Decline) else _judged(command)


def place_oco(
    *,
    new_id: Callable[[], str],
    client_order_id: str,
    symbol: str,
    side: str,
    quantity: int | str,
    time_in_force: str = "DAY",
    expires_at: str | None = None,
    take_profit: Exit,
    stop_loss: Exit,
    reference_price: Callable[[str], int],
) -> PlaceOco | Decline:
    """Return a checked PlaceOco, or its declining."""
    command = PlaceOco(
        **_exits(new_id, take_profit, stop_loss),
        client_order_id=client_order_id,
        symbol=symbol,
        side=factories.choice(side, factories.SIDES, "a side", Code.INVALID_SIDE),
        quantity=factories.quantity_of(quantity),
        time_in_force=factories.choice(
            time_in_force, factories.TIMES_IN_FORCE, "a time in force", Code.INVALID_TIME_IN_FORCE
        ),
        expires_at=None if expires_at is None else factories.instant_of(expires_at),
        reference_price=0 if "stop_price" in stop_loss else reference_price(symbol),
    )
    _check_exits(command, command.side)
    return _judged(command)


def _exits(new_id: Callable[[], str], take_profit: Exit | None, stop_loss: Exit | None) -> dict[str, Any]:
    loss = stop_loss or {}
    amount, basis_points = factories.trail_of(loss.get("trail_amount"), loss.get("trail_percent"))
    return {
        "take_profit_order_id": None if take_profit is None else new_id(),
        "take_profit_limit_price": factories.optional_price(
            None if take_profit is None else take_profit["limit_price"], Code.INVALID_LIMIT_PRICE
        ),
        "stop_loss_order_id": None if stop_loss is None else new_id(),
        "stop_loss_stop_price": factories.optional_price(loss.get("stop_price"), Code.INVALID_STOP_PRICE),
        "stop_loss_limit_price": factories.optional_price(loss.get("limit_price"), Code.INVALID_LIMIT_PRICE),
        "stop_loss_trail_amount": amount,
        "stop_loss_trail_bp": basis_points,
    }


def _check_exits(command: PlaceBracket | PlaceOco, side: Side) -> None:
    """Raise CommandInvalid when the exits, which are on this side, cannot be ones."""
    if command.time_in_force not in _EXIT_TIMES:
        raise CommandInvalid(
            Code.INVALID_TIME_IN_FORCE,
            f"orders with exits are {', '.join(_EXIT_TIMES)}, and so are their exits; found {command.time_in_force}",
        )
    if command.stop_loss_order_id is not None:
        given = [command.stop_loss_stop_price, command.stop_loss_trail_amount, command.stop_loss_trail_bp]
        if sum(each is not None for each in given) != 1:
            raise CommandInvalid(
                Code.INVALID_EXIT, "a stop loss has one of stopPrice, trailAmount and trailPercent: give that"
            )
        if command.stop_loss_limit_price is not None and command.stop_loss_stop_price is None:
            raise CommandInvalid(Code.INVALID_EXIT, "a stop loss that trails has no limitPrice: leave it out")
    factories.check_terms(
        PlaceOrder(
            order_id="",
            client_order_id="",
            symbol=command.symbol,
            side=side,
            quantity=command.quantity,
            order_type="MARKET" if command.stop_loss_order_id is None else stop_loss_type(command),
            time_in_force=command.time_in_force,
            limit_price=command.stop_loss_limit_price,
            stop_price=command.stop_loss_stop_price,
            reference_price=0,
            expires_at=command.expires_at,
            trail_amount=command.stop_loss_trail_amount,
            trail_bp=command.stop_loss_trail_bp,
        )
    )
    _check_beyond(side, command, None)


def _check_beyond(side: Side, command: PlaceBracket | PlaceOco, entry_price: int | None) -> None:
    """Raise CommandInvalid unless the take profit is better than the price of the entry, and that better than the stop;
    what is not known is not compared.
    """
    prices = [command.stop_loss_stop_price, entry_price, command.take_profit_limit_price]
    known = [price for price in prices if price is not None]
    for worse, better in itertools.pairwise(known):
        if is_no_worse(side == "SELL", better, worse):
            order = "stop loss, entry, take profit: each above the one before"
            raise CommandInvalid(
                Code.INVALID_EXIT,
                f"the prices of {'selling' if side == 'SELL' else 'buying'} exits do not lie as they must ({order}"
                f"{'' if side == 'SELL' else ', and the other way round for a buy'}): one of them would be filled at "
                "once",
            )


def _judged(command: Any) -> Any:
    return factories.judged(
        command,
        take_profit_limit_price=command.take_profit_limit_price,
        stop_loss_stop_price=command.stop_loss_stop_price,
        stop_loss_limit_price=command.stop_loss_limit_price,
        stop_loss_trail_amount=command.stop_loss_trail_amount,
    )
