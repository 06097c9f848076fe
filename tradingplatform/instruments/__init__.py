"""The ways in for people and programs that look after instruments: the admin's pages, and GraphQL.

Here, in the outer ring, because they know who asks (identity) and what is changed (market), which know nothing of each
other. They parse, call market/instruments/changes.py, and answer.
"""
