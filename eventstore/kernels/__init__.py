"""Compiled loops over arrays of integers and bytes: what the store does to thousands of events at once.

They know bytes, MessagePack, SHA-256 and nothing else; what calls them sees to it that every array has the room that
they write to, for compiled code checks no index.
"""
