"""A browser opens sockets from pages of this site only: of its scheme, its host and its port."""

import pytest

from identity.websocket import is_of_this_site

SITE = {"host": "localhost:8000", "origin": "http://localhost:8000"}
OF_THIS_SITE = {
    "the same address": SITE,
    "with the scheme's own port": {"host": "localhost", "origin": "http://localhost:80"},
    "in capitals": {"host": "LocalHost:8000", "origin": "HTTP://LOCALHOST:8000"},
    "IPv6": {"host": "[::1]:8000", "origin": "http://[::1]:8000"},
    "a trusted origin": {"host": "localhost:8000", "origin": "https://trade.example.com"},
    "a subdomain of a trusted origin": {"host": "localhost:8000", "origin": "https://eu.example.org"},
}
NOT_OF_THIS_SITE = {
    "another port": {"host": "localhost:8000", "origin": "http://localhost:9000"},
    "no port where there is one": {"host": "localhost:8000", "origin": "http://localhost"},
    "another scheme": {"host": "localhost:8000", "origin": "https://localhost:8000"},
    "another allowed host": {"host": "localhost:8000", "origin": "http://127.0.0.1:8000"},
    "a host that begins like it": {"host": "localhost:8000", "origin": "http://localhost:8000.example.com"},
    "a user before the host": {"host": "localhost:8000", "origin": "http://localhost:8000@example.com"},
    "a trusted origin's other port": {"host": "localhost:8000", "origin": "https://trade.example.com:8443"},
    "a trusted origin over http": {"host": "localhost:8000", "origin": "http://trade.example.com"},
    "the end of a trusted origin": {"host": "localhost:8000", "origin": "https://notexample.org"},
    "null": {"host": "localhost:8000", "origin": "null"},
    "none": {"host": "localhost:8000"},
    "a host that is not served": {"host": "example.net", "origin": "http://example.net"},
}


@pytest.fixture
def trusting(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trade.example.com", "https://*.example.org"]


def scope_of(headers):
    return {"headers": [(name.encode(), value.encode()) for name, value in headers.items()], "scheme": "ws"}


@pytest.mark.parametrize("headers", OF_THIS_SITE.values(), ids=OF_THIS_SITE)
def test_a_page_of_this_site_may_open_a_socket(trusting, headers):
    assert is_of_this_site(scope_of(headers))


@pytest.mark.parametrize("headers", NOT_OF_THIS_SITE.values(), ids=NOT_OF_THIS_SITE)
def test_no_other_page_may(trusting, headers):
    assert not is_of_this_site(scope_of(headers))
