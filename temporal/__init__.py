"""Time travel: any account as of any instant, what changed and who did it, from the events alone.

It reads the event store, which is the truth, and never the read models. It writes nothing.
"""
