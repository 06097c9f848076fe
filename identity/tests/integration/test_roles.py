"""Roles on the platform: what the groups allow over GraphQL and in the admin, and how users get them."""

import io
import time

import pytest
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory

from accounts.tests.integration.test_graphql import DEPOSIT, FREEZE, LIMITS, OPEN, TRADE, Api, events
from identity.api_keys import create_api_key
from identity.models import AccountAccess, ApiKey
from identity.permissions import GROUPS, accessible_account_ids, platform_role, role_on_account
from identity.recent_access import ACCESS_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a long password"


@pytest.fixture
def ada(store):
    return Api("ada")


def api(username, role, **flags):
    return Api(username, role=role, **flags)


def buy(account_id):
    return {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "50"}


def again(user):
    return get_user_model().objects.get(pk=user.pk)


def test_a_user_without_a_group_trades_and_one_with_several_has_the_narrowest(ada):
    assert platform_role(ada.user) == "trader"
    for role in ("operator", "compliance", "integrator", "trader", "viewer"):
        ada.user.groups.add(Group.objects.get_or_create(name=role)[0])
        assert platform_role(again(ada.user)) == role


def test_staff_without_a_group_and_superusers_are_what_they_were(ada):
    account_id = ada.open()
    for name, flags, role in (("sam", {"is_staff": True}, "staff"), ("sue", {"is_superuser": True}, "superuser")):
        user = get_user_model().objects.create_user(name, **flags)
        assert platform_role(user) == role
        assert (role_on_account(user, account_id), accessible_account_ids(user)) == ("staff", None)


class TestViewers:
    def test_every_command_of_a_viewer_is_refused_whatever_its_role_on_the_account(self, ada, store):
        account_id = ada.open()
        vic = api("vic", "viewer")
        AccountAccess.objects.create(user=vic.user, account_id=account_id, role="trader")
        before = len(events(store))
        assert vic.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"
        assert vic.error(OPEN, name="Mine") == "FORBIDDEN"
        assert vic.error(DEPOSIT, accountId="not an id", amount="1") == "FORBIDDEN"
        assert len(events(store)) == before
        assert AccountAccess.objects.filter(user=vic.user).count() == 1

    def test_a_viewer_still_sees_what_it_was_given_and_nothing_else(self, ada):
        account_id = ada.open()
        vic = api("vic", "viewer", is_staff=True)
        assert accessible_account_ids(again(vic.user)) == []
        AccountAccess.objects.create(user=vic.user, account_id=account_id, role="viewer")
        assert accessible_account_ids(again(vic.user)) == [account_id]
        assert vic.post("{ viewer { username } }").json()["data"]["viewer"]["username"] == "vic"

    def test_a_mutation_behind_a_query_of_the_same_document_is_refused_too(self, ada):
        vic = api("vic", "viewer")
        both = 'query Q { viewer { username } } mutation M { openAccount(input: {name: "x"}) { __typename } }'
        body = {"query": both, "operationName": "M"}
        headers = {"Authorization": f"Bearer {vic.key}"}
        (error,) = Client().post("/graphql", body, "application/json", headers=headers).json()["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN"
        answer = Client().post("/graphql", {**body, "operationName": "Q"}, "application/json", headers=headers).json()
        assert answer == {"data": {"viewer": {"username": "vic"}}}


class TestCompliance:
    def test_it_freezes_and_limits_every_account_and_trades_none_but_its_own(self, ada):
        account_id = ada.open()
        cora = api("cora", "compliance")
        limits = {"maxPositionPercent": "20", "maxDailyValue": "10", "maxTradeValue": "5", "priceBandPercent": "10"}
        assert cora.run(LIMITS, accountId=account_id, **limits)["maxPositionPercent"] == "20.00"
        assert cora.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"
        assert cora.run(FREEZE, accountId=account_id, reason="audit")["reason"] == "audit"
        own = cora.open()
        assert accessible_account_ids(again(cora.user)) is None
        assert role_on_account(again(cora.user), own) == "owner"

    def test_it_looks_at_everything_in_the_admin_and_changes_nothing(self, ada):
        cora = api("cora", "compliance")
        browser = Client()
        browser.force_login(again(cora.user), backend="django.contrib.auth.backends.ModelBackend")
        for path in ("auth/user/", "identity/accountaccess/", "identity/apikey/", "readmodels/accountsummary/"):
            assert browser.get(f"/admin/{path}").status_code == 200, path
        user = again(cora.user)
        assert user.has_perm("identity.view_apikey")
        for verb in ("add", "change", "delete"):
            assert not user.has_perm(f"accounts.{verb}_accountaccess")
        assert browser.get("/admin/identity/accountaccess/add/").status_code == 403


class TestIntegrators:
    def test_it_books_trades_on_the_accounts_that_it_trades_and_on_no_other(self, ada, store):
        account_id = ada.open()
        iris = api("iris", "integrator")
        own = iris.open()
        assert iris.run(TRADE, **buy(own))["version"] == 3
        before = len(events(store))
        assert iris.error(TRADE, **buy(account_id)) == "FORBIDDEN"
        access = AccountAccess.objects.create(user=iris.user, account_id=account_id, role="viewer")
        assert iris.error(TRADE, **buy(account_id)) == "FORBIDDEN"
        assert len(events(store)) == before
        AccountAccess.objects.filter(pk=access.pk).update(role="trader")
        time.sleep(ACCESS_SECONDS)
        assert iris.run(TRADE, **buy(account_id))["version"] == 3
        assert accessible_account_ids(again(iris.user)) == [own, account_id]

    def test_it_has_no_admin_and_supervises_nothing(self, ada):
        iris = api("iris", "integrator")
        assert iris.error(FREEZE, accountId=iris.open(), reason="x") == "FORBIDDEN"
        assert not again(iris.user).is_staff
        assert logged_in(iris.user).get("/admin/identity/apikey/").status_code == 302


class TestOperators:
    def test_it_books_trades_on_every_account(self, ada):
        account_id = ada.open()
        assert api("opal", "operator").run(TRADE, **buy(account_id))["version"] == 3

    def test_it_supervises_no_account_and_moves_no_money(self, ada):
        account_id = ada.open()
        opal = api("opal", "operator")
        assert opal.error(FREEZE, accountId=account_id, reason="x") == "FORBIDDEN"
        assert opal.error(DEPOSIT, accountId=account_id, amount="1") == "FORBIDDEN"
        assert accessible_account_ids(again(opal.user)) is None

    def test_it_gives_roles_and_access_in_the_admin(self, ada):
        account_id = ada.open()
        browser = logged_in(api("opal", "operator").user)
        access = {"user": ada.user.pk, "account_id": "0b5c1f3e-0000-4000-8000-00000000000a", "role": "trader"}
        assert browser.post("/admin/identity/accountaccess/add/", access).status_code == 302
        assert AccountAccess.objects.filter(user=ada.user).count() == 2
        assert save_user(browser, ada.user, "compliance").status_code == 302
        assert (platform_role(again(ada.user)), again(ada.user).is_staff) == ("compliance", True)
        assert save_user(browser, ada.user).status_code == 302
        assert (platform_role(again(ada.user)), again(ada.user).is_staff) == ("trader", False)
        assert role_on_account(again(ada.user), account_id) == "owner"

    def test_it_makes_nobody_a_superuser_and_changes_none(self, ada):
        opal = api("opal", "operator")
        browser = logged_in(opal.user)
        assert save_user(browser, opal.user, "operator", is_superuser="on", is_staff="on").status_code == 302
        assert not again(opal.user).is_superuser
        root = get_user_model().objects.create_superuser("root", password=PASSWORD)
        assert save_user(browser, root).status_code == 403
        password = f"/admin/auth/user/{root.pk}/password/"
        assert browser.post(password, {"password1": PASSWORD, "password2": PASSWORD}).status_code == 403
        assert save_user(logged_in(root), ada.user, "operator", is_active="on").status_code == 302
        assert platform_role(again(ada.user)) == "operator"

    def test_it_revokes_keys_in_the_admin_and_traders_have_no_admin(self, ada):
        browser = logged_in(api("opal", "operator").user)
        chosen = ApiKey.objects.get(user=ada.user)
        browser.post("/admin/identity/apikey/", {"action": "revoke", "_selected_action": [chosen.pk]})
        assert list(ApiKey.objects.exclude(revoked_at=None)) == [chosen]
        assert logged_in(ada.user).get("/admin/identity/apikey/").status_code == 302


def logged_in(user):
    browser = Client()
    browser.force_login(again(user), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def save_user(browser, user, *groups, **fields):
    chosen = [Group.objects.get_or_create(name=name)[0].pk for name in groups]
    form = {"username": user.username, "is_active": "on", "groups": chosen, **fields}
    return browser.post(f"/admin/auth/user/{user.pk}/change/", form)


class TestCreateUser:
    def create(self, monkeypatch, *arguments, password=PASSWORD):
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        out = io.StringIO()
        call_command("create_user", *arguments, "--password-stdin", stdout=out)
        return out.getvalue()

    @pytest.mark.parametrize("role", GROUPS)
    def test_it_makes_a_user_with_a_role_and_says_so(self, monkeypatch, role):
        is_staff = role in ("compliance", "operator")
        admin = "may log in to the admin" if is_staff else "no access to the admin"
        assert self.create(monkeypatch, "nina", "--role", role) == f"made user nina: role {role}, {admin}\n"
        nina = get_user_model().objects.get(username="nina")
        assert (platform_role(nina), nina.is_staff, nina.check_password(PASSWORD)) == (role, is_staff, True)

    @pytest.mark.parametrize(
        ("name", "password", "said"),
        [
            ("nina", "short", "too short"),
            ("nina", "", "no password"),
            ("a b", PASSWORD, "valid username"),
            ("ada", PASSWORD, "already exists"),
        ],
    )
    def test_what_cannot_be_made_is_refused_and_nothing_is(self, ada, monkeypatch, name, password, said):
        with pytest.raises(CommandError, match=said):
            self.create(monkeypatch, name, "--role", "operator", password=password)
        assert get_user_model().objects.count() == 1

    def test_it_asks_nobody_when_there_is_no_terminal(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO())
        with pytest.raises(CommandError, match="--password-stdin"):
            call_command("create_user", "nina", "--role", "trader")
        assert get_user_model().objects.count() == 0


def test_a_key_for_reading_sends_no_command_and_answers_queries(ada, store):
    account_id = ada.open()
    ada.key = create_api_key(user=ada.user, name="look", scope="read")
    before = len(events(store))
    (error,) = ada.post(DEPOSIT, {"accountId": account_id, "amount": "1"}).json()["errors"]
    assert (error["extensions"]["code"], "for reading" in error["message"]) == ("FORBIDDEN", True)
    assert ada.error(OPEN, name="x") == "FORBIDDEN"
    assert len(events(store)) == before
    assert ada.post("{ viewer { actor } }").json()["data"]["viewer"]["actor"].endswith("/look")


def test_whatever_the_address_of_a_form_gives_it_to_begin_with_is_no_fault():
    root = get_user_model().objects.create_superuser("root", password=PASSWORD)
    browser = Client()
    browser.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    values = ("x", "", "0", "9" * 30, "\x00", "1,x", "-1", str(root.pk))
    tried = 0
    for model, admin in site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/add/"
        request = RequestFactory().get(path)
        request.user = root
        if not admin.has_add_permission(request):
            continue
        for name in {*admin.get_form(request).base_fields, "nothing", "groups", "user_permissions"}:
            for value in values:
                for ask in (browser.get, browser.post):
                    answer = ask(path, {name: value})
                    assert answer.status_code == 200, (path, name, value)
                tried += 1
    assert tried > 50
    assert str(root) in browser.get("/admin/identity/accountaccess/add/", {"user": root.pk}).content.decode()
