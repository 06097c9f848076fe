"""API keys: scopes, expiry, last use, and what their user does with them over REST."""

import io
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.tests.integration.test_graphql import OPEN, Api
from identity import recent_access
from identity.api.keys import KEYS_PER_USER_MAX
from identity.api_keys import ApiKeyRefused, check_api_key, create_api_key
from identity.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password="a long password")


class Browser:
    """A logged in browser that sends its CSRF token."""

    def __init__(self, user):
        self.client = Client(enforce_csrf_checks=True)
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.headers = {"X-CSRFToken": self.client.get("/api/session").json()["csrf_token"]}

    def post(self, **body):
        return self.client.post("/api/keys", body, "application/json", headers=self.headers)

    def results(self):
        return self.client.get("/api/keys").json()["results"]

    def delete(self, prefix):
        return self.client.delete(f"/api/keys/{prefix}", headers=self.headers)


def problem(answer):
    assert answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert (found["status"], bool(found["detail"])) == (answer.status_code, True)
    return answer.status_code, found["code"]


class TestExpiry:
    def test_a_key_is_worthless_from_the_instant_on_and_says_so(self, ada, store):
        api = Api("bob")
        api.key = create_api_key(user=ada, name="bot", expires_in_days=7)
        stored = ApiKey.objects.get(user=ada)
        assert timedelta(days=7) - timedelta(minutes=1) < stored.expires_at - timezone.now() <= timedelta(days=7)
        assert check_api_key(api.key) == stored
        ApiKey.objects.filter(user=ada).update(expires_at="2026-01-02T03:04:05Z")
        (error,) = api.post(OPEN, {"name": "y"}).json()["errors"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        assert error["message"] == "the API key expired at 2026-01-02T03:04:05Z: make another"
        rest = Client().get("/api/accounts", headers={"Authorization": f"Bearer {api.key}"})
        assert (*problem(rest), rest.json()["detail"]) == (401, "UNAUTHENTICATED", error["message"])
        with pytest.raises(ApiKeyRefused, match="expired"):
            check_api_key(api.key)

    def test_a_wrong_secret_never_learns_that_a_key_expired(self, ada):
        key = create_api_key(user=ada, name="bot")
        ApiKey.objects.update(expires_at="2026-01-02T03:04:05Z")
        with pytest.raises(ApiKeyRefused, match="unknown or revoked"):
            check_api_key(key[:-1] + ("A" if key[-1] != "A" else "B"))


class TestLastUse:
    def test_it_is_written_at_most_once_a_minute(self, ada, django_assert_num_queries):
        key = create_api_key(user=ada, name="bot")
        with django_assert_num_queries(2):
            check_api_key(key)
        first = ApiKey.objects.get().last_used_at
        assert timezone.now() - first < timedelta(minutes=1)
        with django_assert_num_queries(1):
            check_api_key(key)
        assert ApiKey.objects.get().last_used_at == first
        ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
        check_api_key(key)
        assert ApiKey.objects.get().last_used_at >= first

    def test_a_key_that_is_refused_was_not_used(self, ada):
        key = create_api_key(user=ada, name="bot")
        ApiKey.objects.update(revoked_at=timezone.now())
        with pytest.raises(ApiKeyRefused):
            check_api_key(key)
        assert ApiKey.objects.get().last_used_at is None


class TestRest:
    def test_a_key_is_made_shown_once_used_listed_and_revoked(self, ada, monkeypatch):
        browser = Browser(ada)
        answer = browser.post(name="dashboard", scope="read", expires_in_days=30)
        made = answer.json()
        assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
        assert made["key"].startswith(f"tp_{made['prefix']}_")
        assert (made["name"], made["scope"], made["requests_per_minute"]) == ("dashboard", "read", 6_000)
        (shown,) = browser.results()
        assert shown == {name: value for name, value in made.items() if name != "key"}
        used = {"Authorization": f"Bearer {made['key']}"}
        assert Client().get("/api/accounts", headers=used).status_code == 200
        assert browser.results()[0]["last_used_at"] is not None
        assert browser.delete(made["prefix"]).status_code == 204
        monkeypatch.setattr(recent_access, "ACCESS_SECONDS", 0)  # A second later.
        assert (browser.results(), Client().get("/api/accounts", headers=used).status_code) == ([], 401)
        assert problem(browser.delete(made["prefix"])) == (404, "NOT_FOUND")

    def test_trade_without_end_is_the_default(self, ada):
        for left_out in ({}, {"scope": None, "expires_in_days": None}):
            made = Browser(ada).post(name="bot", **left_out).json()
            assert (made["scope"], made["expires_at"]) == ("trade", None)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"name": ""},
            {"name": "a/b"},
            {"name": "a\nb"},
            {"name": "x" * 41},
            {"name": "a\x00b"},
            {"name": "\ud800"},
            {"name": None},
            {"name": ["x"]},
            {"name": 5},
            {"name": 1.5},
            {"name": True},
            {"name": " x "},
            {"name": "x", "scope": "all"},
            {"name": "x", "expires_in_days": 0},
            {"name": "x", "expires_in_days": 3_651},
        ],
    )
    def test_what_is_no_key_is_a_problem_and_makes_none(self, ada, body):
        assert problem(Browser(ada).post(**body)) == (400, "BAD_REQUEST")
        assert ApiKey.objects.count() == 0

    def test_a_key_lists_makes_and_revokes_no_keys(self, ada):
        key = create_api_key(user=ada, name="bot")
        client, headers = Client(), {"Authorization": f"Bearer {key}"}
        prefix = ApiKey.objects.get().prefix
        for answer in (
            client.get("/api/keys", headers=headers),
            client.post("/api/keys", {"name": "more"}, "application/json", headers=headers),
            client.delete(f"/api/keys/{prefix}", headers=headers),
        ):
            assert problem(answer) == (403, "FORBIDDEN")
            assert "not with an API key" in answer.json()["detail"]
        assert ApiKey.objects.filter(revoked_at=None).count() == 1

    def test_nobody_is_a_401_and_a_session_without_its_token_a_403(self, ada):
        assert problem(Client().get("/api/keys")) == (401, "UNAUTHENTICATED")
        browser = Browser(ada)
        browser.headers = {}
        assert problem(browser.post(name="bot")) == (403, "FORBIDDEN")
        assert ApiKey.objects.count() == 0

    def test_the_keys_of_others_are_neither_shown_nor_revoked(self, ada):
        create_api_key(user=ada, name="bot")
        eve = Browser(get_user_model().objects.create_user("eve"))
        assert eve.results() == []
        assert problem(eve.delete(ApiKey.objects.get().prefix)) == (404, "NOT_FOUND")
        assert ApiKey.objects.filter(revoked_at=None).count() == 1

    def test_there_are_only_so_many(self, ada):
        for number in range(KEYS_PER_USER_MAX):
            create_api_key(user=ada, name=str(number))
        browser = Browser(ada)
        assert problem(browser.post(name="more")) == (409, "KEY_LIMIT_REACHED")
        assert ApiKey.objects.count() == KEYS_PER_USER_MAX
        browser.delete(ApiKey.objects.earliest("pk").prefix)
        assert browser.post(name="more").status_code == 201

    def test_the_openapi_document_describes_them(self, ada):
        document = Client().get("/api/schema", headers={"Accept": "application/json"}).json()
        assert set(document["paths"]["/api/keys"]) == {"get", "post"}
        assert set(document["paths"]["/api/keys/{prefix}"]) == {"delete"}
        assert document["paths"]["/api/keys"]["post"]["security"] == [{"session": []}]
        assert "key" in document["components"]["schemas"]["MadeApiKey"]["properties"]


class TestCommand:
    def create(self, *arguments):
        out = io.StringIO()
        call_command("create_api_key", "ada", *arguments, stdout=out)
        return ApiKey.objects.get(prefix=out.getvalue().split("_")[1])

    def test_it_makes_a_trading_key_without_end_unless_told_otherwise(self, ada):
        made = self.create()
        assert (made.scope, made.expires_at, made.requests_per_minute) == ("trade", None, None)
        made = self.create("--scope", "read", "--expires-in-days", "1", "--requests-per-minute", "0")
        assert (made.scope, made.requests_per_minute) == ("read", 0)
        assert made.expires_at - made.created_at < timedelta(days=1, seconds=1)

    @pytest.mark.parametrize(
        "arguments",
        [("--scope", "all"), ("--expires-in-days", "0"), ("--expires-in-days", "x"), ("--requests-per-minute", "-1")],
    )
    def test_what_it_cannot_make_is_refused(self, ada, arguments):
        with pytest.raises(CommandError):
            self.create(*arguments)
        assert ApiKey.objects.count() == 0
