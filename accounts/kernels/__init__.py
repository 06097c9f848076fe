"""Loops around the domain's rules, compiled by Numba: what happens to thousands of trades at once, on state in arrays.

A rule stands once, as a function of integers in `accounts/domain/`; here it is called from a loop that a compiler has
made of it. What does not fit 64 bits stops a loop at that entry, and Python goes on with the same function.
"""
