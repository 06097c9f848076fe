"""Accounts as of any moment, alone or all of the firm; what changed between two."""
