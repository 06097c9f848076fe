"""What a key was allowed is remembered for a moment, for this key and account alone."""

from identity.authentication import Principal
from identity.permissions import Access
from identity.recent_access import ACCESS_SECONDS, ENTRIES_MAX, OUTAGE_SECONDS, RecentAccess, RecentRoles

OWNER = Access(Principal("ada", "ada/bot"), "owner")


def test_an_access_is_found_until_its_time_is_over():
    now = [100.0]
    recent = RecentAccess(lambda: now[0])
    recent.remember("key", "account", OWNER)
    assert recent.find("key", "account") is OWNER
    now[0] += ACCESS_SECONDS - 0.001
    assert recent.find("key", "account") is OWNER
    now[0] += 0.001
    assert recent.find("key", "account") is None


def test_what_goes_on_being_asked_for_is_looked_up_anew_once_when_half_of_its_time_is_over():
    now = [100.0]
    recent = RecentAccess(lambda: now[0])
    assert recent.begin_renewal("key", "account") is None
    recent.remember("key", "account", OWNER)
    now[0] += ACCESS_SECONDS / 2 - 0.001
    assert recent.begin_renewal("key", "account") is None
    now[0] += 0.001
    as_of = recent.begin_renewal("key", "account")
    assert as_of == now[0]
    assert [recent.begin_renewal("key", "account") for _ in range(2)] == [None, None]
    now[0] += 0.3
    recent.remember("key", "account", OWNER, as_of=as_of)
    recent.end_renewal("key", "account")
    assert recent.begin_renewal("key", "account") is None
    now[0] += ACCESS_SECONDS - 0.301
    assert recent.find("key", "account") is OWNER
    now[0] += 0.001
    assert recent.find("key", "account") is None  # It was found before it was remembered.
    assert recent.begin_renewal("key", "account") == now[0]


def test_during_an_outage_it_counts_for_longer():
    now = [100.0]
    recent = RecentAccess(lambda: now[0])
    recent.remember("key", "account", OWNER)
    now[0] += OUTAGE_SECONDS - 1
    assert recent.find("key", "account") is None
    assert recent.find_during_outage("key", "account") is OWNER
    assert recent.find_during_outage("key", "other") is None
    now[0] += 1
    assert recent.find_during_outage("key", "account") is None


def test_roles_that_were_known_before_an_outage_are_found_in_it():
    now = [100.0]
    recent = RecentRoles(lambda: now[0])
    recent.remember(7, {"one", "two"}, {"one": "owner"})
    now[0] += OUTAGE_SECONDS - 1
    assert recent.find(7, ["one", "two"]) == {}
    assert recent.find_during_outage(7, ["one", "two"]) == {"one": "owner"}
    assert recent.find_during_outage(8, ["one"]) == {}
    now[0] += 1
    assert recent.find_during_outage(7, ["one"]) == {}


def test_another_key_or_account_is_not_allowed_by_it():
    recent = RecentAccess()
    recent.remember("key", "account", OWNER)
    assert recent.find("other", "account") is None
    assert recent.find("key", "other") is None
    assert recent.find("key", None) is None


def test_what_the_database_refuses_is_forgotten():
    recent = RecentAccess()
    for account in (None, "one", "two"):
        recent.remember("key", account, OWNER)
    recent.forget("key", "one")
    assert [recent.find_during_outage("key", account) for account in (None, "one", "two")] == [OWNER, None, OWNER]
    recent.forget("key")
    assert [recent.find_during_outage("key", account) for account in (None, "one", "two")] == [None] * 3
    roles = RecentRoles()
    roles.remember(7, {"one", "two"}, {"one": "owner", "two": "trader"})
    roles.remember(7, {"one"}, {})
    assert roles.find_during_outage(7, ["one", "two"]) == {"two": "trader"}


def test_what_stands_on_an_earlier_look_up_is_not_known_for_longer():
    now = [100.9]
    recent = RecentAccess(lambda: now[0])
    recent.remember("key", "account", OWNER, as_of=100.0)
    assert recent.find("key", "account") is OWNER
    now[0] += 0.2
    assert recent.find("key", "account") is None


def test_it_is_bounded_and_keeps_no_key_in_plain():
    recent = RecentAccess()
    for number in range(ENTRIES_MAX + 1):
        recent.remember(f"secret-{number}", "account", OWNER)
    assert len(recent._entries) <= ENTRIES_MAX
    assert "secret" not in str(recent._entries)
