"""The kill switch: end all orders of accounts, a user, a symbol or the whole firm in one go, and stop the venue.

`cancelling` does it, `recorded` keeps a record of each run, and graphql, venue, pages and two management commands are
the ways in.
"""
