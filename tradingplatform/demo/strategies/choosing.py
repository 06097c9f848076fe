"""Choosing one of several candidates by a number that was drawn before."""

from collections.abc import Sequence
from typing import TypeVar

Candidate = TypeVar("Candidate")


def pick(candidates: Sequence[Candidate], draw: float) -> Candidate:
    """Return the candidate that a draw from [0, 1) falls on; every one is as likely as the others."""
    return candidates[int(draw * len(candidates))]
