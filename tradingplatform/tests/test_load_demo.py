"""load_demo makes what is not there yet, and gives nothing back that somebody took away."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from accounts.codec import account_codec
from accounts.domain.events import AccountOpened
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore, set_store_factory
from identity.actors import user_reference
from identity.api.session import DEMO_LOGINS_FILE, demo_logins
from identity.api_keys import check_api_key
from identity.models import AccountAccess
from identity.permissions import platform_role
from tradingplatform.bootstrap import wire
from tradingplatform.demo.demo_accounts import ACCOUNTS, FILE_NAME, USERS
from tradingplatform.management.commands.load_demo import DEMO

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    opened = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=2)
    set_store_factory(lambda: opened)
    call_command("load_demo")
    yield opened
    wire()


def commits(store):
    return [
        commit
        for partition in range(store.partition_count)
        for batch in store.read_batches(partition=partition, after_seq=0, limit=1_000)
        for commit in batch.commits
    ]


def test_accounts_belong_to_users_and_the_platform_made_them(store):
    owners = {user_reference(pk) for pk in get_user_model().objects.values_list("pk", flat=True)}
    opened = [event for commit in commits(store) for event in commit.events if isinstance(event, AccountOpened)]
    assert len(opened) == len(ACCOUNTS)
    assert {event.owner for event in opened} <= owners
    assert {commit.actor for commit in commits(store)} == {DEMO} == {"platform/demo"}


def test_the_integrator_has_a_key_and_may_book_trades_on_one_account(store, settings):
    (entry,) = json.loads((settings.DATA_DIR / FILE_NAME).read_text())["integrators"]
    assert (entry["username"], entry["name"]) == ("integrator", "Personal account")
    user = check_api_key(entry["api_key"]).user
    assert (user.username, platform_role(user), user.is_staff) == ("integrator", "integrator", False)
    given = AccountAccess.objects.filter(user=user).values_list("account_id", "role")
    assert [(str(account_id), role) for account_id, role in given] == [(entry["account_id"], "trader")]
    assert "integrator" in {login["username"] for login in demo_logins(settings.DATA_DIR)}


def test_what_was_taken_away_is_not_given_back(store, settings):
    before = len(commits(store))
    get_user_model().objects.filter(username="admin").delete()
    get_user_model().objects.filter(username="compliance").update(username="carol")
    AccountAccess.objects.all().delete()
    call_command("load_demo")
    (settings.DATA_DIR / FILE_NAME).unlink()  # As if the accounts had to be made anew.
    call_command("load_demo")
    assert not AccountAccess.objects.exists()
    assert sorted(user.username for user in get_user_model().objects.all()) == ["alice", "bob", "carol", "integrator"]
    assert len(commits(store)) == before


def test_a_first_run_that_broke_off_is_finished_by_the_next(store, settings):
    for name in (DEMO_LOGINS_FILE, FILE_NAME):
        (settings.DATA_DIR / name).unlink()
    get_user_model().objects.filter(username="admin").delete()
    call_command("load_demo")
    assert get_user_model().objects.count() == len(USERS)
    assert len(AccountAccess.objects.filter(role="owner")) == len(ACCOUNTS)
