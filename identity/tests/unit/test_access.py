"""Who asks is looked up beside the requests of whoever goes on asking, and none of them waits for it."""

import asyncio
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from rest_framework.exceptions import AuthenticationFailed

from identity import permissions
from identity.authentication import Principal
from identity.permissions import TRADER, Access
from identity.recent_access import ACCESS_SECONDS, RecentAccess

ADA = Principal(SimpleNamespace(is_superuser=False, is_staff=False, group_names=frozenset()), "user:1/ada/key:1/bot")
OWNER = Access(ADA, "owner", TRADER)
WAIT_SECONDS_MAX = 10


class Database:
    """What is looked up in it, by turns; a look-up waits until it is let go on."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, key, account_id):
        self.asked += 1
        answer = self.answers.pop(0)
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await self.goes_on.wait()
        if isinstance(answer, Exception):
            raise answer
        return ADA, answer


class Asker:
    """A program that goes on sending commands for an account, at instants of its own."""

    def __init__(self, monkeypatch, *answers):
        self.now, self.database = 100.0, Database(*answers)
        monkeypatch.setattr(permissions, "_recent_access", RecentAccess(lambda: self.now))
        monkeypatch.setattr(permissions, "aprincipal_of_key", self.database)
        self._request = RequestFactory().post("/graphql", headers={"Authorization": "Bearer tp_key"})

    async def ask(self):
        return await permissions.aaccess_of(self._request, "account")

    async def renewed(self):
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await asyncio.gather(*permissions._renewals)


def test_who_goes_on_asking_waits_for_the_first_look_up_only(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, "owner", "owner", "owner")
        assert await asker.ask() == OWNER
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
        asker = Asker(monkeypatch, "owner", "owner", AuthenticationFailed("revoked"))
        await asker.ask()
        asker.now += ACCESS_SECONDS * 0.6
        asker.database.goes_on.clear()
        await asker.ask()
        await asyncio.sleep(0)
        asker.now += ACCESS_SECONDS * 0.3
        asker.database.goes_on.set()
        await asker.renewed()
        asker.now += ACCESS_SECONDS * 0.8  # Less than a second since it was answered, and more since it was asked.
        with pytest.raises(AuthenticationFailed, match="revoked"):
            await asker.ask()

    asyncio.run(trades())


def test_what_was_taken_away_is_found_by_the_look_up_beside(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, "owner", AuthenticationFailed("revoked"), AuthenticationFailed("revoked"))
        await asker.ask()
        asker.now += ACCESS_SECONDS * 0.6
        await asker.ask()
        await asker.renewed()
        with pytest.raises(AuthenticationFailed, match="revoked"):
            await asker.ask()

    asyncio.run(trades())


def test_a_look_up_beside_that_fails_is_left_to_the_next_request(monkeypatch):
    async def trades():
        asker = Asker(monkeypatch, "owner", OperationalError("away"), "owner")
        await asker.ask()
        asker.now += ACCESS_SECONDS * 0.6
        assert await asker.ask() == OWNER
        await asker.renewed()
        asker.now += ACCESS_SECONDS * 0.6
        assert await asker.ask() == OWNER
        assert asker.database.asked == 3

    asyncio.run(trades())
