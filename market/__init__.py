"""The demo market: reference data, and a simulated session that replays real daily closes.

It answers three questions: which instruments exist (`instruments`), what did they close at on which day
(`calendar`, `prices`), and what do they cost now (`replay`, `intraday`, `quotes`, `quote_board`). It imports
no other package of this repository and takes no decision: the command side only asks it whether a symbol
exists.
"""
