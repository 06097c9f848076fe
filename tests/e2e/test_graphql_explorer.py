"""The page to explore the GraphQL schema with, in a real browser: with the login, with a key, and on a phone."""

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from identity.api_keys import create_api_key

pytestmark = pytest.mark.django_db(transaction=True)

VIEWER = "query Who { viewer { username actor } }"
PHONE = {"width": 390, "height": 780}


class Explorer:
    """The page as a person uses it; nothing may come from elsewhere, and nothing may go wrong unseen."""

    def __init__(self, page, url):
        self.page, self.said, self.asked = page, [], []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(f"{url}/graphql")
        page.wait_for_selector("#documentation h2", state="attached")

    def run(self, query):
        self.page.fill("#query", query)
        self.page.evaluate("document.getElementById('status').textContent = ''")
        self.page.press("#query", "Control+Enter")
        self.page.wait_for_selector("#status:not(:empty)", state="attached")
        return self.page.inner_text("#answer")

    def who(self):
        self.page.wait_for_selector("#who:not(:text-is('…'))")
        return self.page.inner_text("#who")


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password="a long password", first_name="Ada")


@pytest.fixture
def context(browser, live_server):
    made = browser.new_context()
    yield made
    made.close()


def test_the_login_of_the_front_page_asks_with_its_csrf_token(ada, context, live_server):
    client = Client()
    client.force_login(ada)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    explorer = Explorer(context.new_page(), live_server.url)
    assert explorer.who() == "Logged in as Ada"
    assert f'"actor": "user:{ada.pk}/ada"' in explorer.run(VIEWER)
    context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    assert f'"actor": "user:{ada.pk}/ada"' in explorer.run(VIEWER), "it asks for the token again"
    assert explorer.said == []
    assert {url.split("/")[2] for url in explorer.asked} == {live_server.url.split("/")[2]}


def test_a_key_is_used_and_not_kept(ada, context, live_server):
    key = create_api_key(user=ada, name="bot")
    explorer = Explorer(context.new_page(), live_server.url)
    assert "UNAUTHENTICATED" in explorer.run(VIEWER)
    assert explorer.page.inner_text("#status").startswith("1 error · ")
    explorer.page.fill("#key", key)
    assert explorer.who() == "Asking with the API key"
    assert "/ada/key:" in explorer.run(VIEWER)
    assert key not in explorer.page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")


def test_what_was_run_is_found_again(ada, context, live_server):
    page = context.new_page()
    explorer = Explorer(page, live_server.url)
    explorer.run(VIEWER)
    explorer.run("query Other { viewer { actor } }")
    explorer = Explorer(page, live_server.url)
    assert page.input_value("#query") == "query Other { viewer { actor } }"
    assert page.locator("#history option").all_inner_texts()[1:] == ["query Other { viewer { actor } }", VIEWER]
    page.select_option("#history", "1")
    assert page.input_value("#query") == VIEWER


def test_the_schema_is_read_by_following_it(context, live_server):
    page = Explorer(context.new_page(), live_server.url).page
    page.click("#documentation a[href='#Query']")
    page.locator("#documentation li", has_text="account(…)").locator("a[href='#Account']").first.click()
    assert page.inner_text("#documentation h2") == "Account"
    assert "at most 500" in page.locator("#documentation li", has_text="trades(…)").first.inner_text()
    page.click("#back")
    assert page.inner_text("#documentation h2") == "Query"
    page.fill("#search", "cashafter")
    assert "Trade.cashAfter: String!" in page.inner_text("#documentation")


def test_it_fits_a_phone(ada, browser, live_server):
    page = browser.new_page(viewport=PHONE, color_scheme="dark")
    explorer = Explorer(page, live_server.url)
    assert "UNAUTHENTICATED" in explorer.run(VIEWER)
    for pane in ("query", "answer", "schema"):
        page.click(f"nav [data-show={pane}]")
        shown = [name for name in ("query", "answer", "schema") if page.is_visible(f"#{name}-pane")]
        assert shown == [pane]
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.close()
