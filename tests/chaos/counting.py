"""What was acknowledged against what is stored: pure, so that planted faults can show that it finds them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

Command = tuple[str, str]
"""An account and a command id."""


class Acknowledged(NamedTuple):
    """A command whose outcome a caller was told: the account's version after it."""

    account_id: str
    command_id: str
    version: int


class Execution(NamedTuple):
    """A commit: who sent its command, and the account's version after it."""

    sender: str
    version: int


class Stored(NamedTuple):
    """The journal: the executions of each command id, for each account the versions of its events, in the order in
    which they stand there. Two senders may give the same id.
    """

    commands: Mapping[Command, Sequence[Execution]]
    versions: Mapping[str, Sequence[int]]


def problems(acknowledged: Iterable[Acknowledged], stored: Stored) -> list[str]:
    """Say everything that is wrong; nothing when every acknowledged command is there once, at its version, no other
    command is there twice, and no account's versions have a gap.
    """
    found = []
    answers: Counter[tuple[str, int]] = Counter()
    for account_id, command_id, version in acknowledged:
        answers[account_id, version] += 1
        versions = [version for _, version in stored.commands.get((account_id, command_id), ())]
        if not versions:
            found.append(f"{command_id} of {account_id} was acknowledged with version {version} and is not there")
        elif version not in versions:
            found.append(f"{command_id} of {account_id} was acknowledged with version {version} and is {versions[0]}")
    for (account_id, command_id), executions in stored.commands.items():
        for sender, times in Counter(sender for sender, _ in executions).items():
            if times > 1:
                versions = [version for by, version in executions if by == sender]
                found.append(f"{command_id} of {account_id} was executed {times} times, as versions {versions}")
    for account_id, versions in stored.versions.items():
        if list(versions) != list(range(1, len(versions) + 1)):
            found.append(f"the versions of {account_id} are not 1 to {len(versions)} in order: {_break(versions)}")
    found += [
        f"version {version} of {account_id} was acknowledged to {count} commands"
        for (account_id, version), count in answers.items()
        if count > 1
    ]
    return found


def _break(versions: Sequence[int]) -> str:
    for expected, version in enumerate(versions, start=1):
        if version != expected:
            return f"{version} stands where {expected} should"
    return "none"
