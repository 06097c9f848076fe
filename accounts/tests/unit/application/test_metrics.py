"""The figures of a process: every command counted once, by how it ended."""

from structlog.testing import capture_logs

from accounts.application import metrics as module
from accounts.application.envelope import Envelope
from accounts.application.metrics import CommandCount, CommandMetrics, LaneTimes, MetricsLog
from accounts.domain.commands import DepositCash, OpenAccount, WithdrawCash
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.events import AccountFrozen, CommandRefused
from eventstore.errors import StoreUnavailable
from eventstore.record import Commit
from eventstore.writer.group_commit import GroupTimes
from eventstore.writer.request import Committed, Failed

DONE = Commit("a", 1, 1, "c", None, None, "ada", None, (AccountFrozen(reason="any event"),))
REFUSED = Commit("a", 1, 1, "c", None, None, "ada", None, (CommandRefused("WithdrawCash", "NO_FUNDS", 1, 2, {}),))
ENDINGS = [
    (OpenAccount("ada", "Savings", "USD"), Committed(DONE.header, DONE.events)),
    (DepositCash(1, ""), Committed(DONE.header, DONE.events)),
    (DepositCash(1, ""), Committed(DONE.header, DONE.events)),
    (DepositCash(1, ""), Committed.before(DONE)),
    (WithdrawCash(1, ""), Committed(REFUSED.header, REFUSED.events)),
    (WithdrawCash(1, ""), Failed(CommandInvalid(Code.ACCOUNT_NOT_FOUND, "there is none"))),
    (WithdrawCash(1, ""), Failed(StoreUnavailable("away"))),
    (WithdrawCash(1, ""), Failed(ZeroDivisionError())),
]


def count(metrics, endings=ENDINGS):
    envelopes = [Envelope("a", str(number), "ada", command) for number, (command, _) in enumerate(endings)]
    metrics.count_group(envelopes, [outcome for _, outcome in endings], GroupTimes(0.25, 0.5))


def test_commands_are_counted_by_kind_and_ending():
    metrics = CommandMetrics()
    count(metrics)
    assert sorted(metrics.counts(), key=lambda of: (of.command, of.outcome)) == [
        CommandCount("DepositCash", "DUPLICATE", 1),
        CommandCount("DepositCash", "EXECUTED", 2),
        CommandCount("OpenAccount", "EXECUTED", 1),
        CommandCount("WithdrawCash", "ACCOUNT_NOT_FOUND", 1),
        CommandCount("WithdrawCash", "INTERNAL_ERROR", 1),
        CommandCount("WithdrawCash", "NO_FUNDS", 1),
        CommandCount("WithdrawCash", "STORE_UNAVAILABLE", 1),
    ]
    assert (metrics.groups, metrics.deciding_seconds, metrics.writing_seconds) == (1, 0.25, 0.5)


def test_answer_times_are_kept_for_each_lane():
    metrics = CommandMetrics()
    for milliseconds in range(1, 101):
        metrics.count_answer(is_bulk=False, seconds=milliseconds / 1_000)
    assert metrics.answers(is_bulk=False) == LaneTimes(100, 51.0, 100.0, 100.0)
    assert metrics.answers(is_bulk=True) == LaneTimes(0, 0.0, 0.0, 0.0)


def test_the_log_says_what_was_done_since_the_line_before(monkeypatch):
    monkeypatch.setattr(module, "METRICS_LOG_SECONDS", 0)
    metrics = CommandMetrics()
    with capture_logs() as lines:
        log = MetricsLog(metrics)
        log.write_if_due()
        count(metrics, ENDINGS[:3])
        log.write_if_due()
        log.write_if_due()
        count(metrics, ENDINGS[:1])
        log.write_if_due()
    assert [line["ended"] for line in lines] == [
        {"DepositCash EXECUTED": 2, "OpenAccount EXECUTED": 1},
        {"OpenAccount EXECUTED": 1},
    ]
