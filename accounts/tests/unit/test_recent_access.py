"""What a key was allowed is remembered for a moment, for this key and account alone."""

from accounts.authentication import Principal
from accounts.permissions import Access
from accounts.recent_access import ACCESS_SECONDS, ENTRIES_MAX, RecentAccess

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


def test_another_key_or_account_is_not_allowed_by_it():
    recent = RecentAccess()
    recent.remember("key", "account", OWNER)
    assert recent.find("other", "account") is None
    assert recent.find("key", "other") is None
    assert recent.find("key", None) is None


def test_it_is_bounded_and_keeps_no_key_in_plain():
    recent = RecentAccess()
    for number in range(ENTRIES_MAX + 1):
        recent.remember(f"secret-{number}", "account", OWNER)
    assert len(recent._entries) <= ENTRIES_MAX
    assert "secret" not in str(recent._entries)
