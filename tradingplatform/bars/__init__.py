"""Bars over REST and GraphQL, and the log of their imports in the admin: here, because they know who asks and what is
asked for (market/bars), which know nothing of each other.
"""
