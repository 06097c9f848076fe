"""Auditing a store: signed checkpoints, proofs to take away, and verification of everything that is stored.

The arithmetic is in eventstore/integrity, and pure; this is what reads, signs and reports.
"""
