"""Bars: what instruments cost over a minute, an hour or a trading day, in market time, in PostgreSQL.

`definition` says what a bar is; `writing` is how bars get into the tables, set-based, and how longer ones are made of
shorter ones; `replayed` takes them from the path of the replayed market and `pushed` from prices as they come, both for
the `recorder`, which runs in the feed; `files` and `importing` bring those of the user; `reading` is what the APIs ask.
"""
