"""Making signed checkpoints: continue every partition's tree from the checkpoint before, sign, append.

Reads only the batches that came since, and checks each of them for its place, its chain and its hash before it is
signed for. Any number of processes may try at once: a number is taken once, and whoever was late starts again from the
checkpoint that won. What was signed is never signed again in another form.
"""

from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from eventstore.errors import ConflictLimitReached, IntegrityError
from eventstore.integrity.checkpoints import (
    CHECKPOINT_FORMAT,
    FIRST_PREVIOUS_HASH,
    Checkpoint,
    SignedHead,
    Statement,
    check,
    decode,
    encode,
    key_id,
    sign,
    statement_hash,
)
from eventstore.integrity.merkle import Frontier
from eventstore.reader import Reader
from eventstore.record import Document
from eventstore.store import EventStore

CHECKPOINT_KIND: Final = "checkpoint"
TRIES_MAX: Final = 10


def latest_checkpoint(store: EventStore) -> Checkpoint | None:
    """Return the newest checkpoint, its shape checked only; raises IntegrityError when it cannot be read."""
    document = store.engine.latest_document(kind=CHECKPOINT_KIND)
    return None if document is None else read_checkpoint(document)


def read_checkpoint(document: Document) -> Checkpoint:
    """Return the checkpoint in a document; raises IntegrityError when it is not one."""
    try:
        return decode(document.body)
    except ValueError as error:
        raise _damaged(document.number, error) from error


def numbered_checkpoint(store: EventStore, number: int) -> Checkpoint:
    """Return a checkpoint by its number; raises ValueError when there is none."""
    documents = store.engine.documents(kind=CHECKPOINT_KIND, after=number - 1) if number > 0 else []
    if not documents or documents[0].number != number:
        newest = documents[-1].number if documents else _newest_number(store)
        raise ValueError(f"there is no checkpoint {number}: the newest is {newest}")
    return read_checkpoint(documents[0])


def make_checkpoint(
    store: EventStore,
    *,
    key: Ed25519PrivateKey,
    former_keys: Sequence[bytes] = (),
    now: int,
    only_if_new: bool = False,
) -> Checkpoint | None:
    """Append a checkpoint of the journal as it is now and return it.

    `now` is UTC microseconds; `former_keys` are the raw public keys that signed before this one did. With
    `only_if_new`, None is returned and nothing is written when no batch came since the newest checkpoint. Raises
    IntegrityError or FeedGap, and signs nothing, when the journal is not what was written or does not continue what was
    signed before.
    """
    return store.confirmed(lambda read: _made(read, key, former_keys, now, only_if_new))


def _made(
    store: EventStore, key: Ed25519PrivateKey, former_keys: Sequence[bytes], now: int, only_if_new: bool
) -> Checkpoint | None:
    public_key = key.public_key().public_bytes_raw()
    for _ in range(TRIES_MAX):
        before = latest_checkpoint(store)
        if before is not None:
            _check_before(store, before, trusted_keys=[public_key, *former_keys])
            if only_if_new and not _has_news(store, before):
                return None
        elif only_if_new and not any(store.heads().values()):
            return None
        heads, frontiers = _grown(store, before)
        statement = Statement(
            format=CHECKPOINT_FORMAT,
            store_id=store.metadata.store_id,
            number=before.statement.number + 1 if before else 1,
            made_at=max(now, before.statement.made_at if before else 0),
            key_id=key_id(public_key),
            previous_hash=statement_hash(before.statement) if before else FIRST_PREVIOUS_HASH,
            partitions=tuple(heads),
        )
        made = sign(statement, key=key, frontiers=frontiers)
        if store.engine.append_document(Document(CHECKPOINT_KIND, statement.number, encode(made))):
            return made
    raise ConflictLimitReached(f"other processes made {TRIES_MAX} checkpoints meanwhile; none was made here")


def _grown(store: EventStore, before: Checkpoint | None) -> tuple[list[SignedHead], list[Frontier]]:
    reader = Reader(store.engine, store.codec)
    heads: list[SignedHead] = []
    frontiers: list[Frontier] = []
    for partition in range(store.partition_count):
        frontier, head_hash = Frontier(), store.genesis(partition)
        if before is not None:
            frontier = before.frontier(partition)
            head_hash = bytes.fromhex(before.statement.partitions[partition].hash)
        for batch in reader.following(partition=partition, after_seq=frontier.size, previous_hash=head_hash):
            frontier.add(batch.hash)
            head_hash = batch.hash
        frontiers.append(frontier)
        heads.append(
            SignedHead(partition=partition, seq=frontier.size, hash=head_hash.hex(), root=frontier.root().hex())
        )
    return heads, frontiers


def _has_news(store: EventStore, before: Checkpoint) -> bool:
    return any(seq > before.statement.partitions[partition].seq for partition, seq in store.heads().items())


def _check_before(store: EventStore, before: Checkpoint, *, trusted_keys: Sequence[bytes]) -> None:
    """Check that the checkpoint to continue from is ours and sound, and that the journal still reaches it."""
    number = before.statement.number
    try:
        check(before, store_id=store.metadata.store_id, number=number, trusted_keys=trusted_keys)
        if len(before.statement.partitions) != store.partition_count:
            raise ValueError(f"it names {len(before.statement.partitions)} partitions of {store.partition_count}")
    except ValueError as error:
        raise _damaged(number, error) from error
    heads = store.heads()
    for head in before.statement.partitions:
        if heads[head.partition] < head.seq:
            detail = (
                f"the journal ends here, but checkpoint {number} names seq {head.seq}: the newest batches are missing"
            )
            raise IntegrityError(detail, partition=head.partition, seq=heads[head.partition])


def _newest_number(store: EventStore) -> int:
    newest = store.engine.latest_document(kind=CHECKPOINT_KIND)
    return newest.number if newest else 0


def _damaged(number: int, error: ValueError) -> IntegrityError:
    return IntegrityError(f"checkpoint {number}: {error}", partition=0, seq=None)
