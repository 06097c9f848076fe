"""Fuzzing of a running platform through every way in; `python -m tests.fuzz --help`.

What is sent is made from a seed: one case of one way in can be sent again alone. What came of it is judged (judge.py):
an answer that blames the platform, a traceback or a secret in a log, a process that ended, a client that had to wait.
"""
