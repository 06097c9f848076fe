"""Corporate actions applied to every holder: `holders` finds them, `applying` serves them, `office` is the process that
does it when it is due, `admin` and `graphql` are ways in to announce, to withdraw and to look.

What an action is, and the one way to announce it, is market/corporate_actions; what it makes of an account is the
account's own rule. Here, in the outer ring, because this knows both, the tables that list holders, and the bus.
"""
