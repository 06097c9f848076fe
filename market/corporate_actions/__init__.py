"""Corporate actions: what companies do to their shares, announced before it happens.

`definition` says what an action is and checks what comes from outside; `announcing` is the one way to announce and to
withdraw one, and `csv_file` the form in which they come by the hundred; `adjustments` is what they make of the replayed
prices. Not here: applying them to who holds the shares, which is the platform's (tradingplatform/corporate_actions).
"""
