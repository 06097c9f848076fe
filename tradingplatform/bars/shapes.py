"""What is shown of a bar."""

from accounts.shapes import Choice, Count, Instant, Money, Shape, Shares
from market.bars.reading import SOURCE_NAMES


class Bar(Shape):
    """What an instrument cost over a minute, an hour or a trading day."""

    at = Instant("When the bar begins, in market time; a day's is midnight UTC of its date")
    open = Money()
    high = Money()
    low = Money()
    close = Money("Of a bar that is not over, the latest price")
    volume = Shares("Null where it is not known", null=True)
    price_count = Count("How many prices it is made of; null where it is not known", null=True)
    source = Choice(SOURCE_NAMES, "Where the prices are from")
