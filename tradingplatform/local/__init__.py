"""The local stack: PostgreSQL, Valkey and every process of the platform on one machine, without root or Docker.

Start reading at run.py. Nothing here is needed where the servers are run by somebody else.
"""
