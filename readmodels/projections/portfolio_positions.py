"""portfolio_positions: the last values of each symbol that an account traded, and what its working sells hold of it.

A view of the rows that are stored and of the trades that are newer than them (current_views.py).
"""

from typing import Final

TABLE: Final = "stored_positions"
VIEW: Final = "portfolio_positions"
