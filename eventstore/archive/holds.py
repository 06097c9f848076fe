"""Legal holds: while one is placed on an aggregate, no batch that contains an event of it is removed.

Placing and releasing are documents of the store, only ever added: who did what, when and why stays on record. A hold
that is placed twice is placed; one release ends it.
"""

from typing import Final, Literal

import msgspec

from eventstore.engines.base import Documents
from eventstore.errors import ArchiveError
from eventstore.record import Document

KIND: Final = "hold"
FOLDER: Final = "holds"
REASON_LENGTH_MAX: Final = 1_000
NUMBER_ATTEMPTS_MAX: Final = 100
"""How often another process may take the next number before we give up."""


class HoldEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision about a hold; `at` is in UTC microseconds."""

    aggregate_id: str
    action: Literal["place", "release"]
    reason: str
    actor: str
    at: int


def hold_entries(documents: Documents) -> list[HoldEntry]:
    """Return every decision, oldest first; raises ArchiveError when one cannot be read."""
    entries = []
    for document in documents.documents(kind=KIND):
        try:
            entries.append(msgspec.json.decode(document.body, type=HoldEntry))
        except msgspec.DecodeError as error:
            raise ArchiveError(
                f"hold document {document.number} cannot be read ({error}): nothing is removed"
            ) from error
    return entries


def holds(documents: Documents) -> dict[str, HoldEntry]:
    """Return the holds that are in force: by aggregate id, the entry that placed each."""
    in_force: dict[str, HoldEntry] = {}
    for entry in hold_entries(documents):
        if entry.action == "release":
            in_force.pop(entry.aggregate_id, None)
        else:
            in_force.setdefault(entry.aggregate_id, entry)
    return in_force


def place_hold(documents: Documents, *, aggregate_id: str, reason: str, actor: str, at: int) -> None:
    """Place a hold; raises ArchiveError when there is one."""
    standing = holds(documents).get(aggregate_id)
    if standing is not None:
        raise ArchiveError(f"{aggregate_id} is under hold already, placed by {standing.actor}: {standing.reason}")
    _record(documents, HoldEntry(aggregate_id, "place", reason, actor, at))


def release_hold(documents: Documents, *, aggregate_id: str, reason: str, actor: str, at: int) -> None:
    """Release a hold; raises ArchiveError when there is none."""
    if aggregate_id not in holds(documents):
        raise ArchiveError(f"{aggregate_id} is not under hold: see `manage.py legal_hold list`")
    _record(documents, HoldEntry(aggregate_id, "release", reason, actor, at))


def hold_files(documents: Documents) -> dict[str, bytes]:
    """Return every decision as a file of the archive, by name: who has the archive knows the holds."""
    return {f"{FOLDER}/{document.number:06d}.json": document.body for document in documents.documents(kind=KIND)}


def _record(documents: Documents, entry: HoldEntry) -> None:
    if not entry.aggregate_id or not 0 < len(entry.reason.strip()) <= REASON_LENGTH_MAX:
        raise ArchiveError(f"a hold needs an account and a reason of 1 to {REASON_LENGTH_MAX:,} characters")
    for _attempt in range(NUMBER_ATTEMPTS_MAX):
        number = max((document.number for document in documents.documents(kind=KIND)), default=0) + 1
        if documents.append_document(Document(KIND, number, msgspec.json.encode(entry))):
            return
    raise ArchiveError("other processes record holds all the time: nothing was recorded, try again")
