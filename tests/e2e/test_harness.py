"""The harness itself: a lost, a doubled and a mixed-up acknowledgement are caught by the check of the crash tests."""

from contextlib import nullcontext

import pytest

from tests.e2e import client

ACCOUNT = "account"


class Acknowledged:
    def __init__(self, *versions):
        self.acknowledged = {f"c-{version}": {"version": version} for version in versions}
        self.accounts = dict.fromkeys(self.acknowledged, ACCOUNT)


def journal(monkeypatch, commands, versions):
    counted = client.Counter({(ACCOUNT, command): times for command, times in commands.items()})
    monkeypatch.setattr(client, "stored_commands", lambda _: (counted, {ACCOUNT: versions}))


def test_a_sound_journal_passes(monkeypatch):
    journal(monkeypatch, {"c-1": 1, "c-2": 1, "unanswered": 1}, [1, 2, 3])
    client.assert_each_once(Acknowledged(1, 2), nullcontext())


@pytest.mark.parametrize(
    ("commands", "versions"),
    [
        ({"c-1": 1}, [1]),  # c-2 was acknowledged and is lost.
        ({"c-1": 1, "c-2": 2}, [1, 2, 3]),  # c-2 was executed twice.
        ({"c-1": 1, "c-2": 1, "other": 2}, [1, 2, 3, 4]),  # So was one that nobody was told of.
        ({"c-1": 1, "c-2": 1}, [1, 3]),  # A version is missing.
    ],
)
def test_a_lost_or_doubled_command_or_a_gap_is_caught(monkeypatch, commands, versions):
    journal(monkeypatch, commands, versions)
    with pytest.raises(AssertionError):
        client.assert_each_once(Acknowledged(1, 2), nullcontext())


def test_two_commands_acknowledged_with_one_version_are_caught(monkeypatch):
    journal(monkeypatch, {"c-1": 1, "c-2": 1}, [1, 2])
    load = Acknowledged(1, 2)
    load.acknowledged["c-2"] = {"version": 1}
    with pytest.raises(AssertionError):
        client.assert_each_once(load, nullcontext())
