"""Who asks is looked up beside the requests of whoever goes on asking, and none of them waits for it."""

import asyncio
import threading

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.graphql import view
from accounts.api.graphql.errors import ApiError
from identity.authentication import Principal
from identity.permissions import Access
from identity.recent_access import ACCESS_SECONDS, RecentAccess

OWNER = Access(Principal("ada", "user:1/ada/key:1/bot"), "owner")
WAIT_SECONDS_MAX = 10


class Database:
    """What is looked up in it, by turns; a look-up waits until it is let go on."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def __call__(self, request, account_id):
        self.asked += 1
        answer = self.answers.pop(0)
        assert self.goes_on.wait(WAIT_SECONDS_MAX)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Asker:
    """A program that goes on sending commands for an account, at instants of its own."""

    def __init__(self, monkeypatch, *answers):
        self.now, self.database = 100.0, Database(*answers)
        monkeypatch.setattr(view, "_recent_access", RecentAccess(lambda: self.now))
        monkeypatch.setattr(view, "access_of", self.database)
        monkeypatch.setattr(view, "on_another_thread", asyncio.to_thread)
        request = RequestFactory().post("/graphql", headers={"Authorization": "Bearer tp_key"})
        self._request = request

    async def ask(self):
        return await view.Context(self._request, _Mutation())._find_access("account")

    async def renewed(self):
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await asyncio.gather(*view._renewals)


class _Mutation:
    class operation:
        operation = view.OperationType.MUTATION


def test_who_goes_on_asking_waits_for_the_first_look_up_only(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, OWNER, OWNER, OWNER)
        assert await asker.ask() is OWNER
        for asked in (2, 3):
            asker.now += ACCESS_SECONDS * 0.6
            asker.database.goes_on.clear()
            assert [await asker.ask() for _ in range(3)] == [OWNER] * 3  # While it is looked up anew.
            asker.database.goes_on.set()
            await asker.renewed()
            assert asker.database.asked == asked

    asyncio.run(trades())


def test_what_is_looked_up_anew_counts_from_the_beginning_of_the_look_up(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, OWNER, OWNER, AuthenticationFailed("revoked"))
        await asker.ask()
        asker.now += ACCESS_SECONDS * 0.6
        asker.database.goes_on.clear()
        await asker.ask()
        await asyncio.sleep(0)
        asker.now += ACCESS_SECONDS * 0.3
        asker.database.goes_on.set()
        await asker.renewed()
        asker.now += ACCESS_SECONDS * 0.8  # Less than a second since it was answered, and more since it was asked.
        with pytest.raises(ApiError, match="revoked"):
            await asker.ask()

    asyncio.run(trades())


def test_what_was_taken_away_is_found_by_the_look_up_beside(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, OWNER, AuthenticationFailed("revoked"), AuthenticationFailed("revoked"))
        await asker.ask()
        asker.now += ACCESS_SECONDS * 0.6
        await asker.ask()
        await asker.renewed()
        with pytest.raises(ApiError, match="revoked"):
            await asker.ask()

    asyncio.run(trades())


def test_a_look_up_beside_that_fails_is_left_to_the_next_request(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, OWNER, OperationalError("away"), OWNER)
        await asker.ask()
        asker.now += ACCESS_SECONDS * 0.6
        assert await asker.ask() is OWNER
        await asker.renewed()
        asker.now += ACCESS_SECONDS * 0.6
        assert await asker.ask() is OWNER
        assert asker.database.asked == 3

    asyncio.run(trades())
