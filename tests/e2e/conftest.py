"""Users with API keys on the session's platform, and its page in a real browser.

`api` is the demo's integrator, who may book trades on its own accounts; Alice places orders, as any trader does.
"""

import pytest

from tests.e2e.client import Api
from tests.e2e.screen import Screen


@pytest.fixture(scope="session")
def key(platform):
    return platform.api_key("integrator")


@pytest.fixture
def api(platform, key):
    return Api(platform.base_url, key)


@pytest.fixture(scope="module")
def alice(platform):
    return Api(platform.base_url, platform.api_key("alice"))


@pytest.fixture(scope="module")
def operator(platform):
    """Who books trades on every account."""
    return Api(platform.base_url, platform.api_key("admin"))


@pytest.fixture
def account(alice, operator):
    """An account of Alice's with some cash and one position."""
    account_id = alice.open("100000")
    operator.buy(account_id, symbol="PG", quantity=5, price="80")
    alice.get(f"/api/accounts/{account_id}", min_version=3)
    return account_id


@pytest.fixture
def screen(browser, platform, request):
    """The page, not logged in yet; the size of its window is the test's parameter."""
    opened = Screen(browser, platform.base_url, getattr(request, "param", "desktop"))
    yield opened
    opened.context.close()
    assert opened.errors == []
