"""What this app shows in the admin, for Django to find."""

from tradingplatform.bars import admin as bars
from tradingplatform.corporate_actions import admin as corporate_actions
from tradingplatform.instruments import admin as instruments

__all__ = ["bars", "corporate_actions", "instruments"]
