"""Which writer serves which partitions: what is written, and what is refused."""

import pytest

from accounts.writer.bus.routed import InvalidRoutes, Route, check_complete, even_shares, parse_routes


def parsed(text):
    return parse_routes(text, partition_count=16)


def test_one_address_is_for_every_partition():
    assert parsed("ipc:///run/writer.sock") == [Route("ipc:///run/writer.sock", range(16))]


def test_several_have_the_partitions_of_each():
    routes = parsed("0-7=tcp://a:5555, 8=ipc:///b,9-15=tcp://c:5555")
    assert routes == [
        Route("tcp://a:5555", range(8)),
        Route("ipc:///b", range(8, 9)),
        Route("tcp://c:5555", range(9, 16)),
    ]
    assert [route.share for route in routes] == ["0-7", "8", "9-15"]
    check_complete(routes, partition_count=16)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("writer:5555", "begins with ipc:// or tcp://, found 'writer:5555'"),
        ("0-7=", "begins with ipc:// or tcp://, found ''"),
        ("all=tcp://a:1", 'written as "0-7" or "3", found \'all\''),
        ("-7=tcp://a:1", "found '-7'"),
        ("7-0=tcp://a:1", "has partitions 0 to 15, found '7-0'"),
        ("0-16=tcp://a:1", "has partitions 0 to 15, found '0-16'"),
        ("\u0660-7=tcp://a:1", "found '\u0660-7'"),
        ("0-7=tcp://a:1,7-15=tcp://b:1", "partition 7 is sent to two writers"),
        ("tcp://a:1,tcp://b:1", "partition 0 is sent to two writers"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, message):
    with pytest.raises(InvalidRoutes) as caught:
        parsed(text)
    assert message in str(caught.value)


def test_a_partition_without_a_writer_is_refused():
    with pytest.raises(InvalidRoutes, match="partition 8 is sent to no writer: the store has partitions 0 to 15"):
        check_complete(parsed("0-7=tcp://a:1,9-15=tcp://b:1"), partition_count=16)


@pytest.mark.parametrize(
    ("writers", "shares"),
    [(1, ["0-15"]), (2, ["0-7", "8-15"]), (3, ["0-4", "5-9", "10-15"]), (16, [str(n) for n in range(16)])],
)
def test_shares_are_as_equal_as_can_be(writers, shares):
    assert even_shares(writers, partition_count=16) == shares


@pytest.mark.parametrize("writers", [0, 17])
def test_more_writers_than_partitions_are_refused(writers):
    with pytest.raises(InvalidRoutes, match="16 partitions are for 1 to 16 writers"):
        even_shares(writers, partition_count=16)
