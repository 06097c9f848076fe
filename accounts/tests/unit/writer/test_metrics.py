"""The figures of a process: every command counted once, by how it ended."""

from structlog.testing import capture_logs

from accounts.domain.commands import DepositCash, ExecuteTrade, OpenAccount, WithdrawCash
from accounts.domain.events import CashDeposited, CommandRefused
from accounts.domain.values import SHARE
from accounts.writer import metrics as module
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Booked, Envelope, Executed, NotExecuted
from accounts.writer.metrics import CommandCount, CommandMetrics, LaneTimes, MetricsLog
from accounts.writer.outcomes import BatchResults, said_elsewhere, tell
from eventstore.writer.group_commit import GroupTimes

TRADE = ExecuteTrade("KO", "BUY", SHARE, 10_000, None)

ENDINGS = [
    (OpenAccount("ada", "Savings", "USD"), Booked(1, False)),
    (DepositCash(1, ""), Booked(2, False)),
    (DepositCash(1, ""), Booked(3, False)),
    (DepositCash(1, ""), Booked(3, True)),
    (WithdrawCash(1, ""), Booked(4, False, "INSUFFICIENT_FUNDS", 1, 2)),
    (WithdrawCash(1, ""), NotExecuted("a", "1", "ACCOUNT_NOT_FOUND", "there is none")),
    (WithdrawCash(1, ""), NotExecuted("a", "1", "STORE_UNAVAILABLE", "away")),
    (TRADE, Booked(5, False)),
    (TRADE, Booked(6, False)),
    (TRADE, Booked(6, True)),
    (TRADE, Booked(7, False, "INSUFFICIENT_FUNDS", 1, 2)),
    (TRADE, Booked(8, False, "TRADE_LIMIT_EXCEEDED", 1, str(10**20))),
    (TRADE, NotExecuted("a", "1", "ACCOUNT_NOT_FOUND", "there is none")),
]


def count(metrics, endings=ENDINGS):
    commands = AccountCommands.of(
        [Envelope("a", str(number), "ada", command) for number, (command, _) in enumerate(endings)]
    )
    results = said_elsewhere([told for _, told in endings])
    for place, (_, told) in enumerate(endings):
        tell(results, place, told)
    metrics.count_group(GroupTimes(0.25, 0.5))
    half = len(endings) // 2
    for start, end in ((0, half), (half, len(endings))):
        others = {place - start: told for place, told in results.others.items() if start <= place < end}
        metrics.count_batch(commands, start, BatchResults(results.rows[start:end], others))


def test_commands_are_counted_by_kind_and_ending():
    metrics = CommandMetrics()
    count(metrics)
    assert sorted(metrics.counts(), key=lambda of: (of.command, of.outcome)) == [
        CommandCount("DepositCash", "DUPLICATE", 1),
        CommandCount("DepositCash", "EXECUTED", 2),
        CommandCount("ExecuteTrade", "ACCOUNT_NOT_FOUND", 1),
        CommandCount("ExecuteTrade", "DUPLICATE", 1),
        CommandCount("ExecuteTrade", "EXECUTED", 2),
        CommandCount("ExecuteTrade", "INSUFFICIENT_FUNDS", 1),
        CommandCount("ExecuteTrade", "TRADE_LIMIT_EXCEEDED", 1),
        CommandCount("OpenAccount", "EXECUTED", 1),
        CommandCount("WithdrawCash", "ACCOUNT_NOT_FOUND", 1),
        CommandCount("WithdrawCash", "INSUFFICIENT_FUNDS", 1),
        CommandCount("WithdrawCash", "STORE_UNAVAILABLE", 1),
    ]
    assert (metrics.groups, metrics.deciding_seconds, metrics.writing_seconds) == (1, 0.25, 0.5)


def test_a_command_that_is_told_in_full_is_counted_by_its_first_event():
    metrics = CommandMetrics()
    commands = AccountCommands.of([Envelope("a", str(number), "ada", TRADE) for number in range(4)])
    refused = CommandRefused("ExecuteTrade", "INSUFFICIENT_FUNDS", 1, 2, {})
    deposited = CashDeposited(1, "", 1, 1, 1)
    told = [
        NotExecuted("a", "1", "STORE_UNAVAILABLE", "away"),
        Executed("a", "2", 1, 0, (deposited,), ("",), False),
        Executed("a", "3", 2, 0, (refused,), ("",), False),
    ]
    metrics.count_results(commands, 0, told[:1])
    metrics.count_results(commands, 1, told[1:])
    metrics.count_results(commands, 3, [Executed("a", "3", 2, 0, (refused,), ("",), True)])
    assert sorted(metrics.counts(), key=lambda of: of.outcome) == [
        CommandCount("ExecuteTrade", "DUPLICATE", 1),
        CommandCount("ExecuteTrade", "EXECUTED", 1),
        CommandCount("ExecuteTrade", "INSUFFICIENT_FUNDS", 1),
        CommandCount("ExecuteTrade", "STORE_UNAVAILABLE", 1),
    ]


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
