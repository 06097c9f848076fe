"""What may come in from the network: sizes, times and forms, checked before anything of ours looks at it.

Every way in uses these modules, so that a rule is written once: requests (requests.py), JSON (json.py),
parameters of REST (parameters.py, views.py), instants and days (instants.py), messages of WebSockets (sockets.py). It
knows no user, no account and no table, and imports nothing of ours.
"""
