"""The counting of the chaos itself: a lost, a doubled, a mixed-up acknowledgement and a gap are found, each as what it
is.
"""

import pytest

from tests.chaos.chaos import Summary
from tests.chaos.counting import Acknowledged, Execution, Stored, problems

ACCOUNT = "account"


def stored(commands, versions):
    return Stored(
        {
            (ACCOUNT, command_id): [Execution("ada", version) for version in found]
            for command_id, found in commands.items()
        },
        {ACCOUNT: versions},
    )


def acknowledged(**versions):
    return [Acknowledged(ACCOUNT, command_id, version) for command_id, version in versions.items()]


def test_a_sound_journal_passes():
    assert problems(acknowledged(a=1, b=2), stored({"a": [1], "b": [2], "unanswered": [3]}, [1, 2, 3])) == []
    assert problems([], Stored({}, {})) == []


def test_two_senders_may_give_one_id():
    both = Stored({(ACCOUNT, "a"): [Execution("ada", 1), Execution("bob", 2)]}, {ACCOUNT: [1, 2]})
    assert problems(acknowledged(a=2), both) == []


@pytest.mark.parametrize(
    ("answers", "commands", "versions", "said"),
    [
        ({"a": 1, "b": 2}, {"a": [1]}, [1], "b of account was acknowledged with version 2 and is not there"),
        ({"a": 1, "b": 2}, {"a": [1], "b": [2, 3]}, [1, 2, 3], "b of account was executed 2 times, as versions [2, 3]"),
        ({"a": 1}, {"a": [1], "other": [2, 3]}, [1, 2, 3], "other of account was executed 2 times"),
        ({"a": 1, "b": 2}, {"a": [1], "b": [3]}, [1, 3], "b of account was acknowledged with version 2 and is 3"),
        ({"a": 1}, {"a": [1], "b": [3]}, [1, 3], "the versions of account are not 1 to 2 in order: 3 stands where 2"),
        ({"a": 1}, {"a": [1]}, [1, 1], "the versions of account are not 1 to 2 in order: 1 stands where 2 should"),
        ({"a": 1}, {"a": [1], "b": [2]}, [2, 1], "the versions of account are not 1 to 2 in order: 2 stands where 1"),
        ({"a": 1, "b": 1}, {"a": [1], "b": [2]}, [1, 2], "version 1 of account was acknowledged to 2 commands"),
    ],
)
def test_each_fault_is_found_as_what_it_is(answers, commands, versions, said):
    found = problems(acknowledged(**answers), stored(commands, versions))
    assert any(problem.startswith(said) for problem in found), found


def test_the_summary_says_that_nothing_is_wrong_only_when_nothing_is():
    assert Summary().lines()[-1] == "nothing is wrong"
    wrong = Summary(kills={"web": 2}, seconds_to_recover={"web": [1.0, 2.5]}, problems=["a command was lost"]).lines()
    assert wrong[-1] == "WRONG: a command was lost"
    assert any(line.split() == ["web", "2", "1.0", "to", "2.5"] for line in wrong)
