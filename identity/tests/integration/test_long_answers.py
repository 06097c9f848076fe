"""An answer that takes long to send goes on while its credential is good, however busy the look-ups are."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from structlog.testing import capture_logs

from edge import database
from edge.request_thread import on_another_thread
from identity import credentials
from identity.api_keys import create_api_key, prefix_of
from identity.credentials import LOOK_SECONDS, Credential, while_granted
from identity.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)

PARTS = 4
UNKNOWN = "could not look whether an answer may go on"


@pytest.fixture
def credential():
    user = get_user_model().objects.create_user("ada", password="a long password")
    return Credential.of(user=user, key_prefix=prefix_of(create_api_key(user=user, name="bot")), session=None)


@asynccontextmanager
async def no_connection_free_for_look_ups(seconds):
    slow = [
        asyncio.create_task(database.read_reserved("SELECT pg_sleep(%s)", [seconds]))
        for _ in range(database.RESERVED_CONNECTIONS)
    ]
    try:
        await asyncio.sleep(0.2)
        yield
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


def parts():
    """Yield parts that take so long each that it is looked before every one but the first."""
    for number in range(PARTS):
        if number:
            time.sleep(LOOK_SECONDS)
        yield number


def sent(credential, *, busy_seconds):
    """Send an answer while no look-up has a connection for some seconds; return its parts and how many looks failed."""

    async def main():
        async with no_connection_free_for_look_ups(busy_seconds):
            return await on_another_thread(lambda: list(while_granted(parts(), credential)))

    with capture_logs() as logs:
        found = asyncio.run(main())
    return found, sum(entry["event"] == UNKNOWN for entry in logs)


def test_an_answer_goes_on_when_look_ups_have_been_busy(credential):
    found, failed = sent(credential, busy_seconds=database.RESERVED_WAIT_SECONDS_MAX + 0.8)
    assert found == list(range(PARTS))
    assert failed >= 1


def test_an_answer_whose_credential_ended_while_look_ups_were_busy_is_broken_off(credential):
    ApiKey.objects.update(revoked_at=timezone.now())
    found, failed = sent(credential, busy_seconds=database.RESERVED_WAIT_SECONDS_MAX + 0.8)
    assert found == [0]
    assert failed >= 1


def test_an_answer_of_which_it_is_not_known_for_long_whether_it_may_go_on_fails(credential, monkeypatch):
    monkeypatch.setattr(credentials, "UNKNOWN_SECONDS_MAX", 0.1)
    with pytest.raises(database.DatabaseBusy):
        sent(credential, busy_seconds=2.5)
