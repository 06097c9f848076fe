"""The stages of a trade that the benchmark times are functions that there are."""

from pkgutil import resolve_name

import pytest

from benchmarks.stages import STAGES


@pytest.mark.parametrize("name", [name for _, functions in STAGES.values() for name in functions])
def test_a_stage_is_a_function_where_the_benchmark_looks_for_it(name):
    module, _, attribute = name.rpartition(".")
    assert callable(getattr(resolve_name(module), attribute))
