"""The writer's queue: single commands first, bulk in bounded slices, nothing beyond the limit."""

from accounts.domain.commands import DepositCash
from accounts.writer.bus.wire import BusRequest
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, NotExecuted
from accounts.writer.lanes import Lanes, PendingRequest
from accounts.writer.limits import QUEUED_COMMANDS_MAX
from accounts.writer.outcomes import said_elsewhere
from eventstore.record import partition_of


class SteadyPace:
    """Bulk commands of a group, whatever they take: 400 beside single ones, else 1,000."""

    def bulk_commands(self, *, while_singles_wait):
        return 400 if while_singles_wait else 1_000


PACE = SteadyPace()


def pending(count, name="r"):
    envelopes = [Envelope(f"{name}-account", f"{name}-{n}", "ada", DepositCash(1, "")) for n in range(count)]
    return PendingRequest(b"caller", BusRequest(name.encode(), count > 1, False, AccountCommands.of(envelopes)))


def ids(group):
    return [request.request.commands.command_id(place) for request, places in group for place in places.tolist()]


def test_single_commands_go_before_bulk_that_came_earlier():
    lanes = Lanes(1)
    lanes.offer(pending(3, "bulk"))
    lanes.offer(pending(1, "click"))
    assert ids(lanes.next_group(PACE)) == ["click-0"]
    assert ids(lanes.next_group(PACE)) == ["bulk-0", "bulk-1", "bulk-2"]
    assert not lanes


def test_single_commands_without_end_do_not_keep_bulk_out():
    lanes = Lanes(1)
    lanes.offer(pending(1_000, "bulk"))
    sizes = []
    for number in range(6):
        lanes.offer(pending(1, f"click{number}"))
        sizes.append(len(ids(lanes.next_group(PACE))))
    assert sizes == [1, 1 + 400, 1, 1 + 400, 1, 1 + 200]
    assert not lanes


def test_bulk_alone_is_as_much_as_is_paced():
    lanes = Lanes(1)
    lanes.offer(pending(5_000, "bulk"))
    assert len(ids(lanes.next_group(PACE))) == 1_000


def test_every_command_comes_out_once_and_in_order():
    lanes = Lanes(1)
    for name in ("a", "b", "c"):
        lanes.offer(pending(700, name))
    found = []
    while lanes:
        found += ids(lanes.next_group(PACE))
    assert found == [f"{name}-{n}" for name in ("a", "b", "c") for n in range(700)]
    assert lanes.queued == 0


def test_what_does_not_fit_is_refused_whole():
    lanes = Lanes(1)
    while lanes.offer(pending(10_000)):
        pass
    assert lanes.queued == QUEUED_COMMANDS_MAX
    assert not lanes.offer(pending(1))
    lanes.next_group(PACE)
    assert lanes.offer(pending(1))


def test_bulk_comes_out_partition_by_partition_and_each_in_its_order():
    names = {partition_of(name, 3): name for name in "abcdefgh"}
    accounts = [names[partition] for partition in (1, 0, 1, 2, 0, 1)]
    envelopes = [Envelope(account, f"{n}", "ada", DepositCash(1, "")) for n, account in enumerate(accounts)]
    lanes = Lanes(3)
    request = PendingRequest(b"caller", BusRequest(b"r", True, False, AccountCommands.of(envelopes)))
    lanes.offer(request)
    group = lanes.next_group(PACE)
    assert ids(group) == ["1", "4", "0", "2", "5", "3"]
    ((_, places),) = group
    request.answer(places[:2], ["of 1", "of 4"])
    assert not request.is_answered
    request.answer(places[2:], ["of 0", "of 2", "of 5", "of 3"])
    assert request.is_answered
    assert request.reply().results == [f"of {n}" for n in range(6)]


def test_a_command_that_cannot_be_read_is_answered_and_not_taken():
    told = NotExecuted("", "", "INTERNAL_ERROR", "cannot be read")
    commands = AccountCommands.of([Envelope("a", str(n), "ada", DepositCash(1, "")) for n in range(3)])
    for is_brief in (False, True):
        request = PendingRequest(b"caller", BusRequest(b"r", True, is_brief, commands, {1: told}))
        places = request.take(10)
        assert places.tolist() == [0, 2]
        request.answer(places, said_elsewhere([told, told]) if is_brief else [told, told])
        reply = request.reply()
        assert (reply.batch.others if is_brief else dict(enumerate(reply.results))) == dict.fromkeys(range(3), told)
