"""Logins after wrong passwords: locked for a user and address, said clearly, reset by time and by an operator."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.test import Client

from identity.permissions import give_role

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long password"
FAILURES = 10
ELSEWHERE = "192.0.2.7"


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", password=PASSWORD, is_staff=True)


def log_in(password, username="ada", address="127.0.0.1"):
    credentials = {"username": username, "password": password}
    return Client(REMOTE_ADDR=address).post("/api/session", credentials, "application/json")


def fail(times, **more):
    return [log_in("wrong", **more).status_code for _ in range(times)]


def code(answer):
    return answer.status_code, answer.json().get("code")


def test_the_tenth_wrong_password_locks_the_login_for_a_quarter_of_an_hour(ada):
    assert fail(FAILURES - 1) == [401] * (FAILURES - 1)
    assert code(log_in("wrong")) == (429, "LOGIN_LOCKED")
    answer = log_in(PASSWORD)
    assert code(answer) == (429, "LOGIN_LOCKED")
    assert answer["Content-Type"] == "application/problem+json"
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert answer.json()["detail"].startswith("Too many wrong passwords for this user from this address: wait 15 min")


def test_it_opens_by_itself_however_often_somebody_tried_meanwhile(ada):
    fail(FAILURES)
    passed = timedelta(minutes=14, seconds=30)
    AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - passed)
    answer = log_in(PASSWORD)
    assert (code(answer), int(answer["Retry-After"]) <= 30) == ((429, "LOGIN_LOCKED"), True)
    assert answer.json()["detail"].endswith("wait 1 minute, or ask an operator to reset it.")
    AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - timedelta(seconds=30))
    assert log_in(PASSWORD).status_code == 200


def test_another_address_and_another_user_are_not_locked(ada):
    get_user_model().objects.create_user("bob", password=PASSWORD)
    fail(FAILURES)
    assert log_in(PASSWORD, address=ELSEWHERE).status_code == 200
    assert log_in(PASSWORD, username="bob").status_code == 200
    assert log_in(PASSWORD).status_code == 429


def test_a_right_password_begins_the_count_anew(ada):
    for _ in range(2):
        assert fail(FAILURES - 1) == [401] * (FAILURES - 1)
        assert log_in(PASSWORD).status_code == 200


def test_a_user_who_does_not_exist_is_answered_like_one_who_does(ada):
    assert fail(FAILURES + 1, username="nobody") == fail(FAILURES + 1)


def test_the_login_of_the_admin_counts_too_and_says_so():
    get_user_model().objects.create_user("ada", password=PASSWORD, is_staff=True)
    browser, form = Client(), {"username": "ada", "password": "wrong"}
    for _ in range(FAILURES - 1):
        assert "Please enter the correct" in browser.post("/admin/login/", form).content.decode()
    assert "wait 15 minutes" in browser.post("/admin/login/", form).content.decode()
    locked = browser.post("/admin/login/", {**form, "password": PASSWORD})
    assert (locked.status_code, "wait 15 minutes" in locked.content.decode()) == (200, True)
    assert "_auth_user_id" not in browser.session
    assert log_in(PASSWORD).status_code == 429


def test_an_operator_resets_it_in_the_admin(ada):
    fail(FAILURES)
    opal = get_user_model().objects.create_user("opal")
    give_role(opal, "operator")
    browser = Client()
    browser.force_login(opal, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/admin/axes/accessattempt/").status_code == 200
    chosen = {"action": "delete_selected", "_selected_action": [AccessAttempt.objects.get().pk], "post": "yes"}
    browser.post("/admin/axes/accessattempt/", chosen)
    assert log_in(PASSWORD).status_code == 200


def test_no_password_is_kept(ada):
    Client().post("/admin/login/", {"username": "ada", "password": "nearly my password"})
    log_in("nearly my password")
    assert "nearly" not in str([vars(attempt) for attempt in AccessAttempt.objects.all()])


def test_requests_that_log_nobody_in_ask_nothing_of_it(ada, django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get("/api/session")
    browser = Client()
    browser.post("/api/session", {"username": "ada", "password": PASSWORD}, "application/json")
    with django_assert_num_queries(3):  # The session, its user, and the user's groups.
        browser.get("/api/session")


def test_the_session_cookie_is_for_the_server_and_our_own_pages(ada):
    cookie = log_in(PASSWORD).cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")


@pytest.mark.parametrize("name", ["9" * 10_000, "ada" * 100, "\x00", "x" * 151])
def test_a_name_that_no_user_can_have_is_a_wrong_login_and_not_a_fault(ada, name):
    browser = Client()
    for _ in range(FAILURES + 1):
        headers = {"User-Agent": name, "Accept": name}
        answer = browser.post("/admin/login/", {"username": name, "password": "wrong"}, headers=headers)
        assert answer.status_code == 200
    assert log_in("wrong", username=name).status_code == 400
    assert all(len(found.username) <= 150 for found in AccessAttempt.objects.all())
    assert log_in(PASSWORD).status_code == 200
