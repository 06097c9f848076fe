"""The admin's pages of what events made: found, linked, and not to be changed by anybody."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from accounts.domain.commands import CancelOrder
from readmodels.models import DeadLetter, Order
from readmodels.tests.conftest import ADA, BOB, project

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = "admin:readmodels_order_changelist"


@pytest.fixture
def officer(history):
    """A superuser, who may do everything that anybody may; Ada has a cancelled and an open order, Bob an open one."""
    user = get_user_model().objects.create_superuser("officer", password="a long password")
    for account_id in (ADA, BOB):
        history.open(account_id)
        history.execute(account_id, CancelOrder(history.place(account_id), "enough"))
        history.place(account_id, shares=7, price=490_000)
    project()
    client = Client()
    client.force_login(user)
    return client


def text(answer):
    assert answer.status_code == 200
    return answer.content.decode()


def test_orders_are_listed_and_found_by_account_and_status(officer):
    assert text(officer.get(reverse(ORDERS))).count('class="field-placed_at') == 4
    of_ada = text(officer.get(reverse(ORDERS), {"q": ADA, "status__exact": "CANCELLED"}))
    assert of_ada.count('class="field-placed_at') == 1
    assert reverse("admin:readmodels_accountsummary_change", args=[ADA]) in of_ada
    assert "4 orders" not in of_ada


def test_an_order_is_shown_in_full_with_money_as_people_read_it(officer):
    order = Order.objects.get(account_id=ADA, status="CANCELLED")
    page = text(officer.get(reverse("admin:readmodels_order_change", args=[order.pk])))
    assert "50.0000" in page
    assert "enough" in page
    assert "500000" not in page


@pytest.mark.parametrize("name", ["readmodels_order", "axes_accesslog", "identity_apikey", "auth_user"])
@pytest.mark.parametrize("send", ["get", "post"])
def test_a_field_without_a_name_is_refused(officer, name, send):
    """Django's own pages fail on it, on everybody's models."""
    for page in (reverse(f"admin:{name}_change", args=[1]), reverse(f"admin:{name}_changelist")):
        assert getattr(officer, send)(page, {"_to_field": ""}).status_code == 400


def test_nobody_changes_an_order(officer):
    order = Order.objects.get(account_id=ADA, status="PENDING")
    before = Order.objects.values().get(pk=order.pk)
    change = reverse("admin:readmodels_order_change", args=[order.pk])
    answers = [
        officer.post(change, {"status": "FILLED"}),
        officer.post(reverse("admin:readmodels_order_delete", args=[order.pk]), {"post": "yes"}),
        officer.post(reverse("admin:readmodels_order_add"), {}),
        officer.post(reverse(ORDERS), {"action": "delete_selected", "_selected_action": [str(order.pk)]}),
    ]
    assert [answer.status_code for answer in answers[:3]] == [403, 403, 403]
    assert Order.objects.values().get(pk=order.pk) == before
    assert Order.objects.count() == 4


def test_an_account_shows_its_open_orders_and_leads_to_all_of_them(officer):
    page = text(officer.get(reverse("admin:readmodels_accountsummary_change", args=[ADA])))
    order = Order.objects.get(account_id=ADA, status="PENDING")
    assert reverse("admin:readmodels_order_change", args=[order.pk]) in page
    assert f"{reverse(ORDERS)}?account_id__exact={ADA}" in page
    assert text(officer.get(reverse(ORDERS), {"account_id__exact": ADA})).count('class="field-placed_at') == 2
    assert "343.0000" in page, "what the order reserves"


def test_orders_are_found_by_every_id_in_full_and_by_no_nonsense(officer):
    order = Order.objects.get(account_id=ADA, status="PENDING")
    for asked in (str(order.pk), order.client_order_id):
        assert text(officer.get(reverse(ORDERS), {"q": asked})).count('class="field-placed_at') == 1
    for asked, count in (("KO", 4), ("ada/bot", 4), ("nonsense", 0), (str(order.pk)[:8], 0)):
        assert text(officer.get(reverse(ORDERS), {"q": asked})).count('class="field-placed_at') == count


def test_dead_letters_are_shown_and_tried_again(officer):
    DeadLetter.objects.create(
        account_id=ADA, version=99, partition=0, seq=1, event_type="OrderPlaced", error="ValueError: poison"
    )
    page = reverse("compliance:dead_letters")
    assert "ValueError: poison" in text(officer.get(page))
    assert officer.post(page, {"account_id": ADA}).status_code == 302
    assert "is projected up to its newest event" in text(officer.get(page))
    assert not DeadLetter.objects.exists()


def test_an_account_with_many_dead_letters_hides_no_other(officer, monkeypatch):
    letter = {"partition": 0, "event_type": "OrderPlaced"}
    DeadLetter.objects.bulk_create(
        DeadLetter(account_id=ADA, version=version, seq=version, error="poison" * (version == 99), **letter)
        for version in range(99, 700)
    )
    DeadLetter.objects.create(account_id=BOB, version=99, seq=1, error="ValueError: another", **letter)
    page = reverse("compliance:dead_letters")
    shown = text(officer.get(page))
    assert shown.count("poison") == 1
    assert "<td>600</td>" in shown, "those behind it"
    assert "ValueError: another" in shown
    monkeypatch.setattr("readmodels.admin.ACCOUNTS_PER_PAGE", 1)
    assert "ValueError: another" not in text(officer.get(page))
    assert "ValueError: another" in text(officer.get(page, {"page": 2}))
    assert "Page 1 of 2" in text(officer.get(page, {"page": "no number"}))


def test_the_first_page_leads_to_orders_and_dead_letters(officer):
    page = text(officer.get(reverse("admin:index")))
    assert reverse(ORDERS) in page
    assert reverse("compliance:dead_letters") in page
    assert "None: every event is in the tables." in text(officer.get(reverse("compliance:dead_letters")))
