"""One group of commands for one partition: decided one after another, and sealed into one batch.

Nothing of it is durable before the batch is; then `publish` moves the partition on. If another writer took the place,
`drop` takes the group back, and it is decided again.

This is where a platform spends its time, so it works with columns. Only commands that may have been executed before,
or whose ids say that they are too old, are looked at one by one.
"""

import uuid
import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from eventstore.columns.cells import CommitRows, Origins, leaf_hashes
from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import payload_columns
from eventstore.errors import CommandIdExpired, CommandIdReused
from eventstore.idempotency.command_ids import is_expired, may_carry_time, sender_of
from eventstore.idempotency.remembered import Keys
from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES
from eventstore.integrity.hashing import batch_hash, payload_hash
from eventstore.kernels.sha256 import merkle_root_of
from eventstore.reader import Reader
from eventstore.record import Commit, StoredBatch
from eventstore.writer.commands import Commands
from eventstore.writer.limits import REREAD_BATCHES_KEPT
from eventstore.writer.outcomes import DurableCommits
from eventstore.writer.partition import PartitionState
from eventstore.writer.request import Committed, Failed, Outcome
from eventstore.writer.state_machine import Decided, Turn

Identity: TypeAlias = tuple[str, str, str]
"""What identifies a command: aggregate id, sender, command id."""


S = TypeVar("S")
C = TypeVar("C")

FindFirstResult = Callable[[int, Commands[C], int], Committed | None]
"""From the seq of a batch, commands and a place to the result that the command at it had there before."""

AsksTheSame = Callable[[C, Any], bool]


class Group(Generic[S, C]):
    """The pending commits of one partition, all at one instant: the clock's, or the partition's if that is later."""

    def __init__(
        self,
        partition: PartitionState[S, C],
        *,
        codec: EventCodec,
        asks_the_same: AsksTheSame[C],
        clock_now: int,
        first_result: FindFirstResult[C],
    ) -> None:
        """`first_result` reads the result of a command that was executed before from where it may be."""
        self.partition = partition
        self.now = max(clock_now, partition.last_timestamp)
        self.seq = partition.seq + 1
        self._codec = codec
        self._asks_the_same = asks_the_same
        self._first_result = first_result
        self._decided = Decided(partition.machine.values())
        self._repeated: list[tuple[int, int]] = []
        self._remembered_before = partition.remembered.recent
        self._is_settled = False
        self._leaves: NDArray[np.uint8] = np.empty((0, 32), np.uint8)
        self._commands: Commands[C]
        self._places: NDArray[np.int64]
        self._keys: Keys

    def __len__(self) -> int:
        return len(self._decided.columns()[0])

    @property
    def places(self) -> NDArray[np.int64]:
        """The places of all commands whose events are pending, in order."""
        repeated = np.array([place for place, _ in self._repeated], np.int64)
        return np.sort(np.concatenate([self._decided.columns()[0], repeated]))

    def take(
        self,
        commands: Commands[C],
        places: NDArray[np.int64],
        keys: Keys,
        outcomes: dict[int, Outcome],
        is_behind: Callable[[], bool],
    ) -> bool:
        """Take the commands at some places, which ascend, in; afterwards their events are pending.

        One that was executed before has its first result; one that cannot be decided, or whose events cannot be
        stored, fails alone: both at once. False when one failed and others have moved on from the state that it was
        decided on.
        """
        self._commands, self._places, self._keys = commands, places, keys
        unloadable: dict[int, Exception] = {}
        turn = self.partition.turn(commands, places, unloadable)
        found: dict[int, Outcome] = {int(places[index]): Failed(error) for index, error in unloadable.items()}
        earlier = self.partition.remembered.find(keys)
        may_repeat = self.partition.remembered.remember(keys, seq=self.seq)
        looked_at = {*earlier, *np.flatnonzero(may_repeat).tolist(), *unloadable, *self._may_be_too_old()}
        start = 0
        for index in sorted(looked_at):
            self._decide(turn, start, index)
            if index not in unloadable and not self._is_known(index, earlier.get(index, ()), found):
                self._decide(turn, index, index + 1)
            start = index + 1
        self._decide(turn, start, len(places))
        found.update({place: Failed(error) for place, error in self._decided.failures.items()})
        if any(isinstance(outcome, Failed) for outcome in found.values()) and is_behind():
            return False
        self._remember_what_is_pending()
        outcomes.update(found)
        return True

    def seal(self) -> StoredBatch:
        """Return the batch to append: the next seq of the partition, linked to its head."""
        places, first_versions, event_counts = self._decided.columns()
        commands = self._commands
        origins = Origins()
        numbers = [origins.number(of.correlation_id, of.causation_id, of.actor, of.metadata) for of in commands.origins]
        commits = CommitRows.of(
            aggregate_ids=commands.aggregate_ids[places],
            command_ids=commands.command_ids[places],
            first_versions=first_versions,
            timestamps=np.full(len(places), self.now, np.int64),
            origins=origins,
            origin_numbers=np.array(numbers, np.int32)[commands.origins_of[places]],
            event_counts=event_counts,
        )
        events = self._decided.events
        self._leaves = leaf_hashes(commits, events)
        payload = self._codec.compress_bytes(payload_columns(commits, events, self._codec.formulas))
        return seal(
            payload,
            leaf_prefixes=self._leaves[:, :LEAF_PREFIX_BYTES].tobytes(),
            merkle_root=merkle_root_of(self._leaves),
            commit_count=len(places),
            first_timestamp=self.now,
            last_timestamp=self.now,
            partition=self.partition.number,
            seq=self.seq,
            previous_hash=self.partition.hash,
        )

    def publish(self, batch: StoredBatch) -> DurableCommits[C]:
        """Make the durable batch the partition's head; return what became of its commands."""
        self._is_settled = True
        self.partition.machine.keep()
        self.partition.move_on(seq=self.seq, hash_=batch.hash, last_timestamp=batch.last_timestamp)
        places, first_versions, event_counts = self._decided.columns()
        return DurableCommits(
            commands=self._commands,
            places=places,
            first_versions=first_versions,
            event_counts=event_counts,
            timestamp=self.now,
            leaves=self._leaves,
            events=self._decided.events,
            codec=self._codec,
            repeated=dict(self._repeated),
        )

    def drop(self) -> None:
        """Leave the partition's aggregates as they were before this group; nothing is left to do after `publish`."""
        if self._is_settled:
            return
        self._is_settled = True
        self.partition.machine.take_back()
        self.partition.remembered.take_back(self._remembered_before)

    def _decide(self, turn: Turn[C], start: int, end: int) -> None:
        if start < end:
            part = turn._replace(
                places=turn.places[start:end],
                numbers=turn.numbers[start:end],
                enter=lambda index: turn.enter(start + index),
            )
            self.partition.machine.decide(part, self.now, self._decided)

    def _may_be_too_old(self) -> Iterable[int]:
        """Return the indexes of commands whose ids may carry a time that is too old."""
        if self.partition.remembered.complete_since == 0:
            return []
        found: list[int] = np.flatnonzero(may_carry_time(self._commands.command_ids[self._places])).tolist()
        return found

    def _is_known(self, index: int, seqs: Iterable[int], outcomes: dict[int, Outcome]) -> bool:
        """Tell whether a command is not to be decided: it was executed before, or something keeps it from being."""
        place = int(self._places[index])
        try:
            recent = self.partition.remembered.find_recent(int(self._keys[index]), last_seq=self.seq)
            for seq in dict.fromkeys((*seqs, *recent)):
                if seq == self.seq:
                    row = self._row_of(index)
                    if row is not None:
                        self._check_repeats(place, self._decided.events_of(row, self._codec))
                        self._repeated.append((place, row))
                        return True
                    continue
                first = self._first_result(seq, self._commands, place)
                if first is not None:
                    self._check_repeats(place, first.events)
                    outcomes[place] = first
                    return True
            command_id = self._commands.command_id(place)
            if is_expired(command_id, complete_since=self.partition.remembered.complete_since, now=self.now):
                raise CommandIdExpired(command_id)
        except Exception as error:  # What is wrong with one command must not stop the others.
            outcomes[place] = Failed(error)
            return True
        return False

    def _row_of(self, index: int) -> int | None:
        """Return which commit of this group is that of the same command, by its index; None when there is none."""
        decided = self._decided.columns()[0]
        same = np.flatnonzero(self._keys[np.searchsorted(self._places, decided)] == self._keys[index])
        identity = self._identity(int(self._places[index]))
        return next((row for row in same.tolist() if self._identity(int(decided[row])) == identity), None)

    def _identity(self, place: int) -> Identity:
        commands = self._commands
        return identity_of(commands.aggregate_id(place), commands.origin(place).actor, commands.command_id(place))

    def _check_repeats(self, place: int, events: Any) -> None:
        if not self._asks_the_same(self._commands.command(place), events):
            raise CommandIdReused(self._commands.command_id(place))

    def _remember_what_is_pending(self) -> None:
        """Forget the commands that came to nothing, or that were remembered before."""
        pending = self._decided.columns()[0]
        if len(pending) < len(self._places):
            remembered = self.partition.remembered
            remembered.take_back(self._remembered_before)
            remembered.remember(self._keys[np.searchsorted(self._places, pending)], seq=self.seq)


def seal(
    payload: bytes,
    *,
    leaf_prefixes: bytes,
    merkle_root: bytes,
    commit_count: int,
    first_timestamp: int,
    last_timestamp: int,
    partition: int,
    seq: int,
    previous_hash: bytes,
) -> StoredBatch:
    """Return the batch to append; `merkle_root` is over the hashes of all events of its commits, in order."""
    unsealed = StoredBatch(
        partition=partition,
        seq=seq,
        batch_id=uuid.uuid4().bytes,
        first_timestamp=first_timestamp,
        last_timestamp=last_timestamp,
        commit_count=commit_count,
        event_count=len(leaf_prefixes) // LEAF_PREFIX_BYTES,
        previous_hash=previous_hash,
        merkle_root=merkle_root,
        payload_hash=payload_hash(payload),
        hash=b"",
        leaf_prefixes=leaf_prefixes,
        payload_crc=zlib.crc32(payload),
        payload=payload,
    )
    return msgspec.structs.replace(unsealed, hash=batch_hash(unsealed))


class FirstResults:
    """Finds stored commits by the identity of their command, for callers that send it again; who repeats a bulk request
    asks for thousands from the same few batches, so those read last are kept.
    """

    def __init__(self, *, reader: Reader) -> None:
        self._reader = reader
        self._batch = lru_cache(maxsize=REREAD_BATCHES_KEPT)(self._read)

    def find(self, identity: Identity, *, partition: int, seq: int) -> Commit[Any] | None:
        """Return the commit of a command in a batch, or None when only others stand there."""
        return self._batch(partition, seq).get(identity)

    def _read(self, partition: int, seq: int) -> dict[Identity, Commit[Any]]:
        (batch,) = self._reader.batches(partition=partition, after_seq=seq - 1, limit=1, with_event_ids=True)
        return {identity_of(commit.aggregate_id, commit.actor, commit.command_id): commit for commit in batch.commits}


def identity_of(aggregate_id: str, actor: str, command_id: str) -> Identity:
    """Return the identity of a command."""
    return aggregate_id, sender_of(actor), command_id
