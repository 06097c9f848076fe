"""What this app shows in the admin, for Django to find."""

from tradingplatform.corporate_actions import admin as corporate_actions_admin
from tradingplatform.instruments import admin as instruments_admin

__all__ = ["corporate_actions_admin", "instruments_admin"]
