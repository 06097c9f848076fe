"""A scenario on every engine."""

import pytest

from eventstore.tests.archive.scenario import Scenario


@pytest.fixture
def scenario(make_engine, tmp_path):
    return Scenario(make_engine(), tmp_path)
