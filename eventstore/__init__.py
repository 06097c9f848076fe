"""An append-only, verifiable event log: a journal of group commits, partitioned, without gaps.

It knows no business word and no other package of this repository. Start reading at `store.py` (the facade) and
`writer/group_commit.py` (how a command becomes durable).
"""
