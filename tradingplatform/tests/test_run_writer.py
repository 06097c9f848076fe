"""Which of several writers a process is: said by its partitions or its number, else nothing is started."""

import pytest
from django.core.management import CommandError, call_command

WHICH = "say with --partitions or --number which of these writers this is: 1: 0-7 at ipc:///a, 2: 8-15 at ipc:///b"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], WHICH),
        (["--number", "0"], WHICH),
        (["--number", "3"], WHICH),
        (["--partitions", "0-3"], WHICH),
        (["--partitions", "eight"], 'partitions are written as "0-7" or "3", found \'eight\''),
    ],
)
def test_a_writer_that_is_not_known_is_refused(settings, arguments, message):
    settings.WRITER_ENDPOINT = "0-7=ipc:///a,8-15=ipc:///b"
    settings.EVENT_STORE_PARTITIONS = 16
    with pytest.raises(CommandError) as refused:
        call_command("run_writer", *arguments)
    assert str(refused.value) == f"WRITER_ENDPOINT: {message}"
