"""The writer's queue: single commands first, bulk in bounded slices, nothing beyond the limit."""

from accounts.application.bus.wire import BusRequest
from accounts.application.envelope import Envelope
from accounts.application.lanes import Lanes, PendingRequest
from accounts.application.limits import QUEUED_COMMANDS_MAX
from accounts.domain.commands import DepositCash


class SteadyPace:
    """Bulk commands of a group, whatever they take: 400 beside single ones, else 1,000."""

    def bulk_commands(self, *, while_singles_wait):
        return 400 if while_singles_wait else 1_000


PACE = SteadyPace()


def pending(count, name="r"):
    envelopes = [Envelope(f"{name}-account", f"{name}-{n}", "ada", DepositCash(1, "")) for n in range(count)]
    return PendingRequest(b"caller", BusRequest(name.encode(), count > 1, envelopes))


def ids(group):
    return [request.request.envelopes[place].command_id for request, places in group for place in places]


def test_single_commands_go_before_bulk_that_came_earlier():
    lanes = Lanes(lambda account_id: 0)
    lanes.offer(pending(3, "bulk"))
    lanes.offer(pending(1, "click"))
    assert ids(lanes.next_group(PACE)) == ["click-0"]
    assert ids(lanes.next_group(PACE)) == ["bulk-0", "bulk-1", "bulk-2"]
    assert not lanes


def test_single_commands_without_end_do_not_keep_bulk_out():
    lanes = Lanes(lambda account_id: 0)
    lanes.offer(pending(1_000, "bulk"))
    sizes = []
    for number in range(6):
        lanes.offer(pending(1, f"click{number}"))
        sizes.append(len(ids(lanes.next_group(PACE))))
    assert sizes == [1, 1 + 400, 1, 1 + 400, 1, 1 + 200]
    assert not lanes


def test_bulk_alone_is_as_much_as_is_paced():
    lanes = Lanes(lambda account_id: 0)
    lanes.offer(pending(5_000, "bulk"))
    assert len(ids(lanes.next_group(PACE))) == 1_000


def test_every_command_comes_out_once_and_in_order():
    lanes = Lanes(lambda account_id: 0)
    for name in ("a", "b", "c"):
        lanes.offer(pending(700, name))
    found = []
    while lanes:
        found += ids(lanes.next_group(PACE))
    assert found == [f"{name}-{n}" for name in ("a", "b", "c") for n in range(700)]
    assert lanes.queued == 0


def test_what_does_not_fit_is_refused_whole():
    lanes = Lanes(lambda account_id: 0)
    while lanes.offer(pending(10_000)):
        pass
    assert lanes.queued == QUEUED_COMMANDS_MAX
    assert not lanes.offer(pending(1))
    lanes.next_group(PACE)
    assert lanes.offer(pending(1))


def test_bulk_comes_out_partition_by_partition_and_each_in_its_order():
    accounts = ["b", "a", "b", "c", "a", "b"]
    envelopes = [Envelope(account, f"{account}{n}", "ada", DepositCash(1, "")) for n, account in enumerate(accounts)]
    lanes = Lanes("abc".index)
    request = PendingRequest(b"caller", BusRequest(b"r", True, envelopes))
    lanes.offer(request)
    group = lanes.next_group(PACE)
    assert ids(group) == ["a1", "a4", "b0", "b2", "b5", "c3"]
    ((_, places),) = group
    assert not request.answer(places[:2], ["a1", "a4"])
    assert request.answer(places[2:], ["b0", "b2", "b5", "c3"])
    assert request.results == ["b0", "a1", "b2", "c3", "a4", "b5"]
