"""Messages of the admin: there for who looks, and no work for programs, which never do."""

import pytest
from django.contrib import messages
from django.http import HttpResponse
from django.test import RequestFactory

from tradingplatform.web.middleware import Message

MESSAGE = "The key was revoked."


@pytest.fixture
def middleware():
    return Message(lambda request: HttpResponse())


def asked(middleware, cookies=None):
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies or {})
    request.session = {}
    middleware.process_request(request)
    return request


def cookies_of(middleware, request):
    """The cookies that the answer sets."""
    cookies = middleware.process_response(request, HttpResponse()).cookies
    return {name: cookie.value for name, cookie in cookies.items()}


def shown(request):
    return [str(message) for message in messages.get_messages(request)]


def test_a_message_is_shown_with_the_next_page_and_not_again(middleware):
    first = asked(middleware)
    messages.success(first, MESSAGE)
    second = asked(middleware, cookies_of(middleware, first))
    assert shown(second) == [MESSAGE]
    assert cookies_of(middleware, second) == {"messages": ""}


def test_a_message_waits_while_nobody_looks(middleware):
    first = asked(middleware)
    messages.success(first, MESSAGE)
    cookies = cookies_of(middleware, first)
    assert cookies_of(middleware, asked(middleware, cookies)) == {}
    assert shown(asked(middleware, cookies)) == [MESSAGE]
