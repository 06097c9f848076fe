"""The outside world inside our process: the market feed and the demo traders.

Both act as any outsider does. The feed publishes prices, the traders use the public HTTP APIs with an API
key; neither touches the event store, the read models or the command side's code.
"""
