"""The market's process, and what integrators and operators do with the market: push prices, pause it, set its speed."""
