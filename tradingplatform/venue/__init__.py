"""The paper venue: fills working orders at the market's price, and ends those whose time is over.

It is outside the accounts, as an exchange is: it learns of orders from the journal, and acts through the command bus
like any other sender. `matcher` decides who is filled (pure), `working_orders` keeps what works by the events
(pure), `journal` reads those, `venue` is the process.
"""
