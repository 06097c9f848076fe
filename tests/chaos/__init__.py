"""`make chaos`: kills every process of a running platform under load, and sees that nothing acknowledged was lost.

Start reading at chaos.py; the command line is `python -m tests.chaos --help`.
"""
