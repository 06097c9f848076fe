"""Every REST view of the platform says what it takes, and is asked nothing else."""

import uuid

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver

from edge.rest import RestView
from readmodels.tests.conftest import ADA

pytestmark = pytest.mark.django_db(transaction=True)

OTHERS = {"live", "ready", "schema", "docs"}
"""What is no query: the first two are no REST views (test_health), the others are drf-spectacular's."""


def routes():
    """Yield the name, a path and the view class of every route under /api/."""

    def walk(patterns, prefix):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                yield from walk(pattern.url_patterns, route)
            elif route.startswith("api/"):
                yield pattern.name, route, getattr(pattern.callback, "cls", None)

    for name, route, view in walk(get_resolver().url_patterns, ""):
        for parameter in ("<uuid:account_id>", "<uuid:order_id>", "<str:prefix>"):
            route = route.replace(parameter, ADA if "account" in parameter else str(uuid.UUID(int=1)))
        assert "<" not in route
        yield name, f"/{route}", view


def test_every_view_is_asked_only_what_it_declares():
    browser = Client()
    root = get_user_model().objects.create_superuser("root", password="a long password")
    browser.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    checked = set()
    for name, path, view in routes():
        if name.split("/")[-1] in OTHERS:
            continue
        assert issubclass(view, RestView), name
        known = sorted(field for serializer in view.takes for field in serializer().fields)
        for method in {"get", "post", "delete"} & set(dir(view)):
            for asked in ({"Nonsense": "1"}, *({known_name.upper(): "1"} for known_name in known)):
                query = "&".join(f"{key}={value}" for key, value in asked.items())
                answer = browser.generic(method.upper(), f"{path}?{query}", "{}", "application/json")
                assert answer.status_code == 400, (name, method, query, answer.content[:200])
                detail = answer.json()["detail"]
                assert f"{next(iter(asked))}: there is no such parameter here: it takes" in detail
                assert all(each in detail for each in known)
            for each in known:
                answer = browser.generic(method.upper(), f"{path}?{each}=1&{each}=1", "{}", "application/json")
                assert (answer.status_code, "given 2 times" in answer.json()["detail"]) == (400, True), (name, each)
        checked.add(name)
    assert len(checked) > 30
