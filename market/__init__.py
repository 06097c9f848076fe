"""The market: which instruments there are, and what they cost.

`instruments` are data, changed by operators; each process holds a snapshot of them, which the command side asks before
it accepts a trade or an order. Prices are those of a simulated session that replays real daily closes: what did the
replayed instruments close at on which day (`calendar`, `prices`), and what do they cost now (`replay`, `intraday`,
`quotes`, `quote_board`). It imports no other package of this repository but `edge`, and takes no decision.
"""
