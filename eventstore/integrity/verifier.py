"""Checks stored batches against everything that was promised about them, and goes on after a finding.

It shares only pure functions with the writer that it checks: no state, no caches, no reader. It sees batches as the
engine has them and reports every departure with its place, down to aggregate and version where that can be known.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from eventstore.integrity.diagnosis import LEAF_PREFIX_BYTES, flipped_bit, with_bit_flipped
from eventstore.integrity.hashing import batch_hash, leaf_hash, payload_hash
from eventstore.integrity.merkle import merkle_root
from eventstore.record import CommitHeader, StoredBatch

_decode_header = msgspec.msgpack.Decoder(CommitHeader).decode


class Finding(NamedTuple):
    """One departure from what was written."""

    partition: int
    seq: int | None
    aggregate_id: str | None
    version: int | None
    detail: str

    def __str__(self) -> str:
        return (
            f"partition {self.partition}, seq {_shown(self.seq)}, account {_shown(self.aggregate_id)}, "
            f"version {_shown(self.version)}: {self.detail}"
        )


class RawCommit(Protocol):
    """A commit's exact bytes."""

    @property
    def header(self) -> bytes:
        """The commit's header."""

    @property
    def events(self) -> Sequence[bytes]:
        """The commit's events."""


class PayloadFormat(Protocol):
    """The part of the codec that the verifier needs; all of it raises ValueError for bytes that are no payload."""

    def decompress(self, payload: bytes) -> bytes:
        """Return the plain bytes of a payload."""

    def decompress_prefix(self, payload: bytes) -> bytes:
        """Return as many plain bytes as a damaged payload still gives."""

    def raw_commits(self, plain: bytes) -> Sequence[RawCommit]:
        """Return the commits' exact bytes, as the hashes cover them."""

    def event_at(self, plain: bytes, offset: int) -> int:
        """Return the index of the event that a byte of the plain bytes belongs to."""


class _StoredEvent(NamedTuple):
    aggregate_id: str
    version: int
    leaf: bytes


class Examined(NamedTuple):
    """What was found of a batch, and the versions that its events lead to; None when these cannot be known."""

    findings: list[Finding]
    versions: dict[str, int] | None


class PartitionVerifier:
    """Verifies one partition, batch after batch, from its first or from where another run has come to.

    `next_seq`, `previous_hash` and `versions` (of every aggregate, as far as they are known) are what a later run needs
    to go on from here.
    """

    def __init__(
        self,
        *,
        partition: int,
        previous_hash: bytes,
        payload_format: PayloadFormat,
        next_seq: int = 1,
        versions: Mapping[str, int] | None = None,
    ) -> None:
        self.partition = partition
        self.next_seq = next_seq
        self.previous_hash = previous_hash
        self.versions: dict[str, int] = dict(versions or {})
        self._format = payload_format

    def verify(self, batch: StoredBatch) -> Iterator[Finding]:
        """Yield what is wrong with the next stored batch; nothing for a sound one."""
        examined = self.examine(batch)
        self.accept(batch, examined)
        yield from examined.findings

    def examine(self, batch: StoredBatch, payload_format: PayloadFormat | None = None) -> Examined:
        """Return what is wrong with the next stored batch, and move nowhere: it may be read and examined again.

        `payload_format` takes the place of the verifier's own.
        """
        payload_format = payload_format or self._format
        findings: list[Finding] = []
        if batch.partition != self.partition or batch.seq != self.next_seq:
            findings.append(
                self._finding(
                    self.next_seq, f"missing: partition {batch.partition}, seq {batch.seq} stands in its place"
                )
            )
        elif batch.previous_hash != self.previous_hash:
            detail = "does not follow the batch before it: one of the two was altered, replaced or moved"
            findings.append(self._finding(batch.seq, detail, _first_event(batch, payload_format)))
        if payload_hash(batch.payload) != batch.payload_hash:
            findings.append(self._locate(batch, payload_format))
            return Examined(findings, None)
        if batch_hash(batch) != batch.hash:
            detail = "the header of the batch was altered"
            findings.append(self._finding(batch.seq, detail, _first_event(batch, payload_format)))
        try:
            events = _events_of(batch.payload, payload_format)
        except ValueError as error:
            findings.append(self._finding(batch.seq, str(error)))
            return Examined(findings, {})
        return self._examine_events(batch, events, findings)

    def accept(self, batch: StoredBatch, examined: Examined) -> None:
        """Move on to the batch after this one."""
        self.next_seq = batch.seq + 1
        self.previous_hash = batch.hash
        if examined.versions is None:
            self.versions.clear()  # What these events did to the versions is not known any more.
        else:
            self.versions.update(examined.versions)

    def _examine_events(self, batch: StoredBatch, events: Sequence[_StoredEvent], findings: list[Finding]) -> Examined:
        if merkle_root([event.leaf for event in events]) != batch.merkle_root or len(events) != batch.event_count:
            detail = "the events are not those of the Merkle root"
            findings.append(self._finding(batch.seq, detail, _altered(batch, events)))
        elif _prefixes(events) != batch.leaf_prefixes:
            findings.append(
                self._finding(batch.seq, "the stored prefixes of the event hashes were altered", events[:1])
            )
        versions: dict[str, int] = {}
        for event in events:
            before = versions.get(event.aggregate_id) or self.versions.get(event.aggregate_id)
            if before is not None and event.version != before + 1:
                findings.append(self._finding(batch.seq, f"the version before it is {before}", [event]))
            versions[event.aggregate_id] = event.version
        return Examined(findings, versions)

    def _locate(self, batch: StoredBatch, payload_format: PayloadFormat) -> Finding:
        bit = flipped_bit(found=batch.payload, crc_written=batch.payload_crc)
        if bit is not None:
            written = with_bit_flipped(batch.payload, bit)
            if payload_hash(written) == batch.payload_hash:
                hit = _first_hit(written, payload_format.decompress_prefix(batch.payload), payload_format)
                return self._finding(batch.seq, f"bit {bit % 8} of byte {bit // 8} of the payload was flipped", hit)
        try:
            events = _events_of(batch.payload, payload_format)
        except ValueError as error:
            return self._finding(batch.seq, f"the payload was altered: {error}; it held {batch.event_count} events")
        return self._finding(batch.seq, "the payload was altered", _altered(batch, events))

    def _finding(self, seq: int, detail: str, events: Sequence[_StoredEvent] = ()) -> Finding:
        aggregate_id, version = (events[0].aggregate_id, events[0].version) if events else (None, None)
        return Finding(self.partition, seq, aggregate_id, version, detail)


def _first_hit(written: bytes, found_plain: bytes, payload_format: PayloadFormat) -> list[_StoredEvent]:
    """Return the first event whose bytes differ between what was written and what can still be read."""
    plain = payload_format.decompress(written)
    same = next((i for i, (a, b) in enumerate(zip(plain, found_plain, strict=False)) if a != b), len(found_plain))
    index = payload_format.event_at(plain, same)
    return _events_of(written, payload_format)[index : index + 1]


def _first_event(batch: StoredBatch, payload_format: PayloadFormat) -> Sequence[_StoredEvent]:
    """Return the batch's first event, to name an account for damage that concerns the batch as a whole."""
    try:
        return _events_of(batch.payload, payload_format)[:1]
    except ValueError:
        return ()


def _altered(batch: StoredBatch, events: Sequence[_StoredEvent]) -> Sequence[_StoredEvent]:
    size = LEAF_PREFIX_BYTES
    for index, event in enumerate(events):
        if batch.leaf_prefixes[index * size : (index + 1) * size] != event.leaf[:size]:
            return [event]
    return events[:1]


def _events_of(payload: bytes, payload_format: PayloadFormat) -> list[_StoredEvent]:
    events: list[_StoredEvent] = []
    for commit in payload_format.raw_commits(payload_format.decompress(payload)):
        header = _header(commit.header)
        for index, event in enumerate(commit.events):
            leaf = leaf_hash(commit.header, index, event)
            events.append(_StoredEvent(header.aggregate_id, header.first_version + index, leaf))
    return events


def _header(raw: bytes) -> CommitHeader:
    try:
        return _decode_header(raw)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"a commit's header cannot be read ({error})") from error


def _prefixes(events: Sequence[_StoredEvent]) -> bytes:
    return b"".join([event.leaf[:LEAF_PREFIX_BYTES] for event in events])


def _shown(value: object) -> str:
    return "unknown" if value is None else str(value)
