"""Who somebody is, is their id: not what they are called, and not what they were once given."""

import importlib
import io
import json
import time

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.tests.integration.test_graphql import DEPOSIT, FREEZE, OPEN, Api, events
from eventstore.idempotency.command_ids import sender_of
from identity.actors import RESERVED_NAMES, check_username, user_reference
from identity.api_keys import create_api_key
from identity.models import AccountAccess, AccountOpening, ApiKey
from identity.permissions import grant_ownership
from identity.recent_access import ACCESS_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

WITHDRAW = """mutation($input: WithdrawCashInput!) { withdrawCash(input: $input) { __typename
  ... on CommandRefused { code } } }"""
VIEWER = "{ viewer { id username actor } }"


@pytest.fixture
def ada(store):
    return Api("ada")


def users():
    return get_user_model().objects


class TestOpening:
    def test_sent_again_it_gives_back_nothing_that_was_taken_away(self, ada, store):
        account_id = ada.open(commandId="open-1")
        before = len(events(store))
        AccountAccess.objects.all().delete()
        time.sleep(ACCESS_SECONDS)
        for _ in range(2):
            assert ada.error(OPEN, name="Savings", commandId="open-1") == "NOT_FOUND"
        assert ada.error(WITHDRAW, accountId=account_id, amount="1") == "FORBIDDEN"
        assert not AccountAccess.objects.exists()
        assert len(events(store)) == before

    def test_nor_when_the_account_is_frozen_as_well(self, ada):
        account_id = ada.open(commandId="open-1")
        officer = Api("officer", is_staff=True)
        officer.run(FREEZE, accountId=account_id, reason="audit")
        AccountAccess.objects.all().delete()
        assert ada.error(OPEN, name="Savings", commandId="open-1") == "NOT_FOUND"
        assert not AccountAccess.objects.exists()

    def test_who_may_only_look_by_now_is_told_so(self, ada):
        ada.open(commandId="open-1")
        AccountAccess.objects.update(role="viewer")
        assert ada.error(OPEN, name="Savings", commandId="open-1") == "FORBIDDEN"
        assert AccountAccess.objects.get().role == "viewer"

    def test_sent_again_by_its_owner_it_is_answered_and_opens_nothing(self, ada, store):
        first = ada.run(OPEN, name="Savings", commandId="open-1")
        assert ada.run(OPEN, name="Savings", commandId="open-1") == first
        assert len(events(store)) == 1

    def test_a_first_try_that_came_no_further_than_its_grant_can_be_made_again(self, ada, monkeypatch):
        def lost(*_):
            raise RuntimeError("the process dies here")

        with monkeypatch.context() as patched:
            patched.setattr("accounts.api.submission.send", lost)
            assert ada.error(OPEN, name="Savings", commandId="open-1") == "INTERNAL_ERROR"
        assert ada.run(OPEN, name="Savings", commandId="open-1")["version"] == 1
        assert AccountAccess.objects.get().role == "owner"

    def test_a_grant_is_made_once_whoever_asks(self, ada):
        account_id = "0b5c1f3e-0000-4000-8000-00000000000a"
        assert grant_ownership(user=ada.user, account_id=account_id)
        AccountAccess.objects.all().delete()
        assert not grant_ownership(user=ada.user, account_id=account_id)
        assert not grant_ownership(user=Api("eve").user, account_id=account_id)
        assert not AccountAccess.objects.exists()
        assert AccountOpening.objects.get().owner == user_reference(ada.user.pk)


class TestRenaming:
    def test_whoever_gets_an_old_name_gets_nothing_else(self, ada, store):
        account_id = ada.open("500", commandId="open-1")
        users().filter(pk=ada.user.pk).update(username="ada-before")
        heir = Api("ada")
        opened = heir.run(OPEN, name="Mine", commandId="open-1")
        assert opened["accountId"] != account_id
        assert opened["version"] == 1
        assert heir.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"
        owners = {commit.aggregate_id: event.owner for commit, event in events(store) if hasattr(event, "owner")}
        assert owners == {account_id: user_reference(ada.user.pk), opened["accountId"]: user_reference(heir.user.pk)}

    def test_whoever_is_renamed_keeps_their_accounts_and_their_retries(self, ada):
        first = ada.run(OPEN, name="Savings", commandId="open-1")
        users().filter(pk=ada.user.pk).update(username="renamed")
        assert ada.run(OPEN, name="Savings", commandId="open-1") == first
        assert ada.run(DEPOSIT, accountId=first["accountId"], amount="1")["version"] == 2

    def test_the_sender_stays_and_the_name_is_of_the_time(self, ada, store):
        account_id = ada.open()
        users().filter(pk=ada.user.pk).update(username="renamed")
        time.sleep(ACCESS_SECONDS)
        ada.run(DEPOSIT, accountId=account_id, amount="1")
        actors = [commit.actor for commit, _ in events(store)]
        assert {sender_of(actor) for actor in actors} == {user_reference(ada.user.pk)}
        assert [actor.split("/")[1] for actor in actors] == ["ada", "ada", "renamed"]


class TestActors:
    def test_keys_of_one_name_are_told_apart(self, ada):
        other = create_api_key(user=ada.user, name="bot")
        said = [ada.post(VIEWER, key=key).json()["data"]["viewer"]["actor"] for key in (ada.key, other)]
        keys = ApiKey.objects.order_by("pk").values_list("pk", flat=True)
        assert said == [f"user:{ada.user.pk}/ada/key:{key}/bot" for key in keys]

    def test_a_session_says_user_and_name(self, ada):
        browser = Client()
        browser.force_login(ada.user)
        session = browser.get("/api/session").json()
        headers = {"X-CSRFToken": session["csrf_token"]}
        answer = browser.post("/graphql", json.dumps({"query": VIEWER}), "application/json", headers=headers).json()
        reference = user_reference(ada.user.pk)
        assert answer["data"]["viewer"] == {"id": reference, "username": "ada", "actor": f"{reference}/ada"}
        assert session["user"]["id"] == reference


class TestReservedNames:
    @pytest.mark.parametrize("name", ["platform", "Platform", "VENUE", "system", "ｐlatform", "a/b", "a\x00b"])
    def test_nobody_is_called_like_the_platform(self, name):
        with pytest.raises(ValidationError):
            check_username(name)
        with pytest.raises(ValidationError):
            get_user_model()(username=name, password="x").full_clean()

    @pytest.mark.parametrize("name", ["platform", "PLATFORM", "venue"])
    def test_no_command_makes_such_a_user(self, name, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
        commands = (
            ("create_user", name, "--role", "trader", "--password-stdin"),
            ("create_api_key", name, "--create-user"),
            ("createsuperuser", "--noinput", "--username", name, "--email", "a@b.c"),
        )
        for command in commands:
            with pytest.raises(CommandError, match="platform's own"):
                call_command(*command)
        assert not users().exists()

    def test_no_form_of_the_admin_makes_one_or_renames_somebody_to_one(self, ada, admin_client):
        made = {"username": "Platform", "password1": "a long password", "password2": "a long password"}
        assert b"platform&#x27;s own" in admin_client.post("/admin/auth/user/add/", made).content
        renamed = {"username": "venue", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
        path = f"/admin/auth/user/{ada.user.pk}/change/"
        assert b"platform&#x27;s own" in admin_client.post(path, renamed).content
        assert not users().filter(username__iregex="^(platform|venue)$").exists()

    @pytest.mark.parametrize("name", ["platform", "Venue", "a/b"])
    def test_the_database_refuses_whatever_comes_around_the_forms(self, ada, name):
        with pytest.raises(IntegrityError, match="username_is_not_the_platforms"), transaction.atomic():
            users().create(username=name)
        with pytest.raises(IntegrityError), transaction.atomic():
            users().filter(pk=ada.user.pk).update(username=name)

    def test_the_database_knows_the_same_names(self):
        assert frozenset(importlib.import_module("identity.migrations.0001_initial").RESERVED) == RESERVED_NAMES

    @pytest.mark.parametrize("name", ["a/b", "a\nb", "", "x" * 41])
    def test_a_key_has_a_name_that_stays_a_name(self, ada, name):
        with pytest.raises(ValidationError):
            create_api_key(user=ada.user, name=name)
        with pytest.raises(CommandError):
            call_command("create_api_key", "ada", "--name", name)
        assert ApiKey.objects.count() == 1
