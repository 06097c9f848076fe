"""Sums over trades as columns are exact: wider than 64 bits, and of every group its own."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from readmodels.projections.firm import _sums

AMOUNTS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.lists(AMOUNTS, min_size=1, max_size=6), min_size=1, max_size=6))
def test_sums_of_groups_are_exact_whatever_their_size(groups):
    column = np.array([amount for group in groups for amount in group], np.int64)
    starts = np.cumsum([0, *map(len, groups[:-1])])
    assert _sums(column, starts) == [sum(map(Fraction, group)) for group in groups]
