"""What a person sees where there is no page for them: what was wrong, and ways on; a program gets a problem."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, PermissionDenied
from django.test import Client, RequestFactory

from tradingplatform.web import page

ANSWERS = {
    400: lambda request: page.bad_request(request, BadRequest("_to_field names <no> field")),
    403: lambda request: page.permission_denied(request, PermissionDenied()),
    404: lambda request: page.not_found(request, Exception()),
    500: page.server_error,
}
TOLD = {400: "names &lt;no&gt; field", 403: "ask an operator", 404: "There is nothing at", 500: "its log says why"}


@pytest.mark.parametrize("status", ANSWERS)
def test_a_person_is_told_what_was_wrong_and_where_to_go(status):
    answer = ANSWERS[status](RequestFactory().get("/admin/nothing"))
    text = answer.content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert TOLD[status] in text
    assert 'href="/admin/"' in text


@pytest.mark.parametrize("status", ANSWERS)
def test_a_program_is_answered_with_a_problem(status):
    answer = ANSWERS[status](RequestFactory().get("/api/nothing"))
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.django_db
def test_pages_of_the_admin_that_are_refused_say_so():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    asked = {
        "/admin/readmodels/accountsummary/?_to_field=": (400, "names no field"),
        "/admin/readmodels/accountsummary/add/": (403, "Your role does not allow this"),
        "/admin/readmodels/nothing/": (404, "There is nothing at"),
    }
    for path, (status, told) in asked.items():
        answer = client.get(path)
        assert (answer.status_code, told in answer.content.decode()) == (status, True), path
