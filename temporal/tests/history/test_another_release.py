"""A release with another STATE_VERSION answers for the past as the one did that made the pages."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from accounts import codec
from accounts.domain.commands import ExecuteTrade
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore.writer.request import Request
from temporal.as_of.as_of import Moment, account_as_of
from temporal.as_of.diff import difference
from temporal.as_of.firm import accounts_as_of
from temporal.performance.history import performance
from temporal.performance.periods import periods_of
from temporal.replay import account_jobs, partition_jobs, run_job
from temporal.tests.history.conftest import ADA, BOB
from temporal.what_if import Limits, what_if

OURS = codec.STATE_VERSION
OTHER = OURS + 1


@pytest.fixture
def lived(histories):
    """Two accounts over a month, in pages of three stretches, and a tail."""
    histories.at("2026-01-05T12:00:00Z").open().open(BOB)
    for day in range(6, 30):
        histories.at(f"2026-01-{day:02}T12:00:00Z").buy(1, 50 + day)
        histories.buy(2, 40, account_id=BOB)
        if day % 3 == 0:
            histories.deposit(10)
        if day in (10, 17, 24):
            histories.make_pages()
    return histories


def fields(found):
    return found.version, found.recorded_at, found.actor, found.event_type, found.state


def everything(store):
    now = datetime(2026, 2, 1, tzinfo=UTC)
    days = periods_of(date(2026, 1, 6), date(2026, 1, 29), "day", today=date(2026, 2, 1))
    jobs = [*partition_jobs(store, is_checked=True), *account_jobs(store, [ADA, BOB], is_checked=True)]
    imagined = what_if(ADA, limits=Limits(max_trade_value=70_0000), start=datetime(2026, 1, 20, tzinfo=UTC))
    return (
        [fields(account_as_of(ADA, Moment(version=version))) for version in range(1, 36)],
        [fields(account_as_of(BOB, Moment(at=datetime(2026, 1, day, tzinfo=UTC)))) for day in range(6, 30)],
        difference(ADA, Moment(version=5), Moment(version=30)).changes,
        performance(ADA, periods=days, kind="day", zone=ZoneInfo("UTC")),
        [(each.account_id, each.version, each.state) for each in accounts_as_of(now, account_ids=None)],
        [(each.account_id, each.version, each.state) for each in accounts_as_of(now, account_ids=[ADA, BOB])],
        (imagined.differences, imagined.imagined, imagined.real),
        [(job.account_id, [each.result for each in run_job(store, job)][-1].difference_count) for job in jobs],
        [store.writer(AccountDecider()).state(account_id) for account_id in (ADA, BOB)],
    )


def test_every_answer_is_the_same_before_and_after_the_pages_are_made_anew(lived, monkeypatch):
    expected = everything(lived.store)
    monkeypatch.setattr(codec, "STATE_VERSION", OTHER)
    assert everything(lived.store) == expected
    snapshotter = lived.store.snapshotter(AccountDecider())
    assert snapshotter.outdated() > 0
    while snapshotter.run(now=0):
        pass
    assert snapshotter.outdated() == 0
    assert set(snapshotter.check()) == {None}
    assert everything(lived.store) == expected
    monkeypatch.setattr(codec, "STATE_VERSION", OURS)
    assert everything(lived.store) == expected, "the release before, if it has to be gone back to"


def test_a_command_is_decided_on_the_state_that_the_pages_of_another_release_lead_to(lived, monkeypatch):
    monkeypatch.setattr(codec, "STATE_VERSION", OTHER)
    before, version = lived.store.writer(AccountDecider()).state(ADA)
    writer = lived.store.writer(AccountDecider(), clock=lambda: lived.now)
    (outcome,) = writer.execute([Request(ADA, "new", "ada/bot", ExecuteTrade("KO", "BUY", SHARE, 50_0000, None))])
    assert outcome.version == version + 1
    assert writer.state(ADA)[0].cash == before.cash - 50_0000
