"""What this app shows in the admin, for Django to find."""

from tradingplatform.instruments import admin

__all__ = ["admin"]
