"""Answers that are kept: never older than what is projected, never somebody else's, and nothing without Valkey."""

import pytest
import redis
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import recent_access
from accounts.models import AccountAccess, ApiKey
from readmodels import version_waits
from readmodels.api import base, direct, kept_answers
from readmodels.api.kept_answers import KeptAnswers
from readmodels.queries import Edition
from readmodels.tests.conftest import ADA, BOB, project
from readmodels.tests.integration.test_rest import Reader, ada, problem  # noqa: F401 - `ada` is a fixture.

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ["", "/summary", "/portfolio", "/risk-metrics", "/positions", "/trades", "/orders", "/activity", "/daily-pnl"]


@pytest.fixture
def kept(valkey_url):
    """The kept answers, empty; and what there is of them in Valkey."""
    with redis.Redis.from_url(valkey_url) as client:
        yield lambda: len(client.keys("answer:*"))


@pytest.mark.parametrize("path", PATHS)
def test_an_answer_is_the_same_made_kept_and_by_either_way(ada, kept, path, monkeypatch):  # noqa: F811
    made = ada.get(f"accounts/{ADA}{path}")
    assert kept() == 1
    with CaptureQueriesContext(connection) as queries:
        again = ada.get(f"accounts/{ADA}{path}")
    assert len(queries) == 1, "the version alone is asked for"
    monkeypatch.setattr(recent_access, "ACCESS_SECONDS", 0)
    long_way = ada.get(f"accounts/{ADA}{path}")
    for answer in (again, long_way):
        assert (answer.status_code, answer.content, answer["ETag"]) == (200, made.content, made["ETag"])


def every_answer_is_of_now(history, reader, steps):
    for step in steps:
        if step == "trade":
            history.buy(ADA, shares=1)
        elif step == "project":
            project()
        elif step == "rebuild":
            call_command("rebuild_readmodels", "--yes", verbosity=0)
        else:
            shown = reader.get(f"accounts/{ADA}/portfolio").json()
            with connection.cursor() as cursor:
                cursor.execute("SELECT version, trade_count FROM account_summary WHERE account_id = %s", [ADA])
                expected = cursor.fetchone()
            assert (shown["account"]["version"], shown["account"]["trade_count"]) == expected


STEPS = st.lists(st.sampled_from(["trade", "project", "ask", "ask", "ask"]), min_size=4, max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_answer_is_older_than_what_is_projected(history, ada, kept, steps):  # noqa: F811
    every_answer_is_of_now(history, ada, steps)


def test_a_rebuild_leaves_no_old_answer(history, ada, kept):  # noqa: F811
    every_answer_is_of_now(history, ada, ["ask", "trade", "rebuild", "ask", "ask"])


def test_a_tag_without_the_version_is_found_out(history, ada, kept, monkeypatch):  # noqa: F811
    monkeypatch.setattr(base.queries, "edition", lambda *, account_id: Edition(1, 1, "ada"))
    with pytest.raises(AssertionError):
        every_answer_is_of_now(history, ada, ["ask", "trade", "project", "ask"])


def test_what_is_kept_is_shown_only_to_who_may_see_it(ada, kept):  # noqa: F811
    assert ada.get(f"accounts/{ADA}/portfolio").status_code == 200
    stranger = Reader("stranger")
    for _ in range(2):
        assert problem(stranger.get(f"accounts/{ADA}/portfolio")) == (404, "NOT_FOUND")
    assert problem(ada.get(f"accounts/{BOB}/portfolio")) == (404, "NOT_FOUND")


def test_a_key_that_is_remembered_is_forgotten_after_a_second(ada, kept, monkeypatch):  # noqa: F811
    now = [1_000.0]
    monkeypatch.setattr(direct._recent_roles, "_clock", lambda: now[0])
    assert ada.get(f"accounts/{ADA}").status_code == 200
    AccountAccess.objects.all().delete()
    assert ada.get(f"accounts/{ADA}").status_code == 200
    now[0] += recent_access.ACCESS_SECONDS
    assert problem(ada.get(f"accounts/{ADA}")) == (404, "NOT_FOUND")


def test_a_key_that_is_revoked_is_refused_after_a_second(ada, kept, monkeypatch):  # noqa: F811
    now = [1_000.0]
    for remembered in (direct._recent_roles, direct._recent_users):
        monkeypatch.setattr(remembered, "_clock", lambda: now[0])
    assert ada.get(f"accounts/{ADA}").status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    assert ada.get(f"accounts/{ADA}").status_code == 200
    now[0] += recent_access.ACCESS_SECONDS
    assert problem(ada.get(f"accounts/{ADA}")) == (401, "UNAUTHENTICATED")


def test_who_sees_every_account_is_known_on_an_account_they_did_not_ask_for(ada, kept, django_assert_num_queries):  # noqa: F811
    officer = Reader("officer", is_staff=True)
    assert officer.get(f"accounts/{ADA}/portfolio").json()["account"]["role"] == "staff"
    with django_assert_num_queries(3):  # Their role there, the version, the rows.
        assert officer.get(f"accounts/{BOB}/portfolio").json()["account"]["role"] == "staff"


@pytest.mark.parametrize("asked", [{"min_version": "none"}, {"colour": "red"}, {"min_version": 10**6}])
def test_what_is_wrong_is_said_the_long_way(ada, kept, asked, monkeypatch):  # noqa: F811
    monkeypatch.setattr(version_waits, "WAIT_SECONDS_MAX", 0.05)
    assert ada.get(f"accounts/{ADA}").status_code == 200
    status, _ = problem(ada.get(f"accounts/{ADA}", **asked))
    assert status == (503 if asked.get("min_version") == 10**6 else 400)


def test_without_valkey_answers_are_made_and_nobody_waits_twice(ada, monkeypatch):  # noqa: F811
    away = KeptAnswers("redis://127.0.0.1:1", clock=lambda: 100.0)
    asked = []
    real = away._client.get
    monkeypatch.setattr(away._client, "get", lambda key: (asked.append(key), real(key))[1])
    monkeypatch.setattr(base, "kept_answers", lambda: away)
    for _ in range(3):
        assert ada.get(f"accounts/{ADA}/portfolio").json()["account"]["version"] == 7
    assert len(asked) == 1


def test_a_large_answer_is_not_kept(kept, monkeypatch):
    answers = KeptAnswers(django_settings.REDIS_URL)
    monkeypatch.setattr(kept_answers, "ANSWER_BYTES_MAX", 10)
    answers.keep("small", b"x" * 10)
    answers.keep("large", b"x" * 11)
    assert (answers.find("small"), answers.find("large"), kept()) == (b"x" * 10, None, 1)
