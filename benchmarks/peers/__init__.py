"""What others would do with the same trades: the peers that `python -m benchmarks store` is measured beside.

Every peer is given the same prepared trades, is as durable as our store is (or its figures' notes say that it is not),
is set up as its documentation recommends, and has everything that it acknowledged counted in its store afterwards.
Nothing here is used by the platform.
"""
