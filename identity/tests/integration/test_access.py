"""What is found out about an API key on the event loop is what is found on a thread, and costs one statement."""

import asyncio

import pytest
from django.contrib.auth import get_user_model
from django.test import RequestFactory

from edge import database
from identity import permissions
from identity.api_keys import create_api_key
from identity.authentication import Principal
from identity.models import AccountAccess
from identity.permissions import (
    Access,
    GivenRoles,
    access_of,
    arole_on_account,
    aroles_on_accounts,
    give_role,
    role_on_account,
)

pytestmark = pytest.mark.django_db(transaction=True)

OWN, OTHER = "0b5c1f3e-0000-4000-8000-000000000001", "0b5c1f3e-0000-4000-8000-000000000002"


async def given_to(user_ids, *, limit):
    """Ask for all of them at once, and once more for one that leaves meanwhile."""
    given = GivenRoles(limit)
    leaving = asyncio.create_task(given.of(user_ids[0]))
    found = [asyncio.create_task(given.of(user_id)) for user_id in user_ids]
    await asyncio.sleep(0)
    leaving.cancel()
    return await asyncio.gather(*found)


@pytest.fixture(params=[None, "viewer", "compliance", "superuser"])
def ada(request):
    user = get_user_model().objects.create_user("ada", is_superuser=request.param == "superuser")
    if request.param in ("viewer", "compliance"):
        give_role(user, request.param)
    AccountAccess.objects.create(user=user, account_id=OWN, role="trader")
    return user


@pytest.fixture
def counts(monkeypatch):
    found = {"statements": 0, "threads": 0}
    read, visit = database._Connection.read, asyncio.BaseEventLoop.run_in_executor

    async def reading(self, query, values):
        found["statements"] += 1
        return await read(self, query, values)

    def visiting(self, *work):
        found["threads"] += 1
        return visit(self, *work)

    monkeypatch.setattr(database._Connection, "read", reading)
    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", visiting)
    return found


@pytest.mark.parametrize("account_id", [None, OWN, OTHER])
def test_it_is_the_same_and_one_statement(ada, counts, account_id):
    key = create_api_key(user=ada, name="bot", scope="read")
    request = RequestFactory().post("/graphql", headers={"Authorization": f"Bearer {key}"})
    on_a_thread = access_of(request, account_id)
    found = asyncio.run(permissions.find_access(request, account_id))
    assert isinstance(found, Access)
    assert found == on_a_thread
    assert counts == {"statements": 1, "threads": 0}


def test_so_are_roles_on_several_accounts(ada, counts):
    access = Access(Principal(ada, "user:1/ada"), None, permissions.platform_role(ada))
    roles = asyncio.run(aroles_on_accounts(access, [OWN, OTHER]))
    seen = {OTHER: "staff"} if permissions.sees_every_account(ada) else {}
    assert roles == {OWN: "trader", **seen}
    assert counts == {"statements": 1, "threads": 0}


@pytest.mark.parametrize("account_id", [OWN, OTHER])
def test_so_is_the_role_of_a_user_as_they_are_now(ada, counts, account_id):
    on_a_thread = role_on_account(ada, account_id)
    assert asyncio.run(arole_on_account(user_id=ada.pk, account_id=account_id)) == on_a_thread
    assert counts == {"statements": 1, "threads": 0}
    seen = "staff" if permissions.sees_every_account(ada) else None
    assert asyncio.run(arole_on_account(user_id=ada.pk, account_id=None)) == seen
    get_user_model().objects.update(is_active=False)
    assert asyncio.run(arole_on_account(user_id=ada.pk, account_id=account_id)) is None


def test_so_are_the_roles_that_a_user_was_given(ada, counts):
    eve = get_user_model().objects.create_user("eve")
    for user, role in ((ada, "viewer"), (eve, "owner")):
        AccountAccess.objects.create(user=user, account_id=OTHER, role=role)
    of_each = asyncio.run(given_to([ada.pk, eve.pk, 0, ada.pk], limit=9))
    assert of_each == [{OWN: "trader", OTHER: "viewer"}, {OTHER: "owner"}, {}, {OWN: "trader", OTHER: "viewer"}]
    assert counts == {"statements": 1, "threads": 0}
    assert [len(given) for given in asyncio.run(given_to([ada.pk, eve.pk], limit=1))] == [1, 1]
