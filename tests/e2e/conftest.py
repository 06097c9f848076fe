"""One user with an API key on the session's platform."""

import pytest

from tests.e2e.client import Api


@pytest.fixture(scope="session")
def key(platform):
    return platform.api_key("integrator")


@pytest.fixture
def api(platform, key):
    return Api(platform.base_url, key)
