"""Proof that the read models equal the events, by arithmetic of its own."""
