"""The demo traders' strategies: pure functions of quotes and a portfolio to a decision.

They are simple on purpose, to keep the demonstration moving; none is meant to make money.
`catalogue.STRATEGIES` lists them by the name that demo.json uses.
"""
