"""Instruments: what can be traded, and on which terms. They are data in PostgreSQL, never code.

`definition` says what an instrument is and checks what comes from outside; `changes` is the one way to change them, and
`csv_file` the form in which they come by the thousand; `current` is what each process holds of them in memory, so that
no command costs a query.
"""
