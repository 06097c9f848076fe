"""What this app shows in the admin, for Django to find."""

from tradingplatform.bars import admin as bars
from tradingplatform.instruments import admin as instruments

__all__ = ["bars", "instruments"]
