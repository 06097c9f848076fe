"""Verification of the signed checkpoints: each by itself, and all of them as a chain.

Gives back what the sound ones say about every partition, for the verification of the journal to compare.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eventstore.audit.checkpointing import CHECKPOINT_KIND
from eventstore.integrity.checkpoints import FIRST_PREVIOUS_HASH, Checkpoint, check, decode, statement_hash
from eventstore.integrity.heads import ExpectedHead
from eventstore.record import Document
from eventstore.store import EventStore


class CheckpointFinding(NamedTuple):
    """One thing that is wrong with the checkpoint of this number."""

    number: int
    detail: str

    def __str__(self) -> str:
        return f"checkpoint {self.number}: {self.detail}"


class StorageFinding(NamedTuple):
    """One thing that the storage itself finds wrong with its structure."""

    detail: str

    def __str__(self) -> str:
        return self.detail


class VerifiedCheckpoints(NamedTuple):
    """How many there are, what is wrong, and what the sound ones say about each partition."""

    checkpoint_count: int
    findings: list[CheckpointFinding]
    heads: dict[int, list[ExpectedHead]]


def verify_checkpoints(
    store: EventStore, *, trusted_keys: Sequence[bytes], known: Sequence[Checkpoint] = ()
) -> VerifiedCheckpoints:
    """Verify every checkpoint of the store.

    `known` are checkpoints that somebody kept: each must be sound and still in the store. That finds the removal of the
    newest checkpoints, which nothing that is left can show.
    """
    documents = store.engine.documents(kind=CHECKPOINT_KIND)
    findings: list[CheckpointFinding] = []
    sound: list[Checkpoint] = []
    before: Checkpoint | None = None
    expected = 1
    for document in documents:
        if document.number != expected:
            findings.append(CheckpointFinding(expected, f"missing: checkpoint {document.number} is the next"))
            before = None
        expected = document.number + 1
        try:
            found = _read(store, document, trusted_keys)
        except ValueError as error:
            findings.append(CheckpointFinding(document.number, str(error)))
            before = None
            continue
        findings += [CheckpointFinding(document.number, text) for text in _does_not_follow(found, before)]
        sound.append(found)
        before = found
    findings += _verify_known(store, documents, known, trusted_keys)
    return VerifiedCheckpoints(len(documents), findings, _heads([*sound, *known]))


def _read(store: EventStore, document: Document, trusted_keys: Sequence[bytes]) -> Checkpoint:
    found = decode(document.body)
    check(found, store_id=store.metadata.store_id, number=document.number, trusted_keys=trusted_keys)
    if len(found.statement.partitions) != store.partition_count:
        raise ValueError(
            f"it names {len(found.statement.partitions)} partitions, the store has {store.partition_count}"
        )
    return found


def _does_not_follow(found: Checkpoint, before: Checkpoint | None) -> Iterator[str]:
    """Yield how a checkpoint fails to continue the sound one before it; nothing is known after a damaged one."""
    if found.statement.number == 1:
        if found.statement.previous_hash != FIRST_PREVIOUS_HASH:
            yield "it is the first and names one before it"
    elif before is not None:
        if found.statement.previous_hash != statement_hash(before.statement):
            yield "it does not follow the checkpoint before it (chain broken)"
        if found.statement.made_at < before.statement.made_at:
            yield "it is older than the checkpoint before it"
        for old, new in zip(before.statement.partitions, found.statement.partitions, strict=True):
            if new.seq < old.seq:
                yield f"partition {new.partition} is shorter than in the checkpoint before it"


def _verify_known(
    store: EventStore, documents: Sequence[Document], known: Sequence[Checkpoint], trusted_keys: Sequence[bytes]
) -> Iterator[CheckpointFinding]:
    bodies = {document.number: document.body for document in documents}
    for checkpoint in known:
        number = checkpoint.statement.number
        try:
            check(
                checkpoint,
                store_id=store.metadata.store_id,
                number=number,
                trusted_keys=trusted_keys,
                has_frontiers=False,
            )
            if number not in bodies:
                yield CheckpointFinding(number, "missing: it was signed, as the copy of it shows that was given")
            elif decode(bodies[number]).statement != checkpoint.statement:
                yield CheckpointFinding(number, "it is another one than the copy of it that was given")
        except ValueError as error:
            yield CheckpointFinding(number, f"the copy of it that was given: {error}")


def _heads(checkpoints: Sequence[Checkpoint]) -> dict[int, list[ExpectedHead]]:
    """Return what checkpoints say about each partition, once where many say the same."""
    found: dict[int, dict[tuple[int, str, str], int]] = {}
    for checkpoint in checkpoints:
        for head in checkpoint.statement.partitions:
            said = found.setdefault(head.partition, {})
            said.setdefault((head.seq, head.hash, head.root), checkpoint.statement.number)
    return {
        partition: [
            ExpectedHead(seq, bytes.fromhex(digest), bytes.fromhex(root), number)
            for (seq, digest, root), number in said.items()
        ]
        for partition, said in found.items()
    }
