"""A page: up to 100 consecutive events of one aggregate, exactly as the journal has them, and the state before them.

The payload is zstd([state_before, columns]). A page's hash covers all of it and is checked on every read; that the
events are those of the journal is what `verify_events` proves, by making every page again.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from eventstore.errors import IntegrityError
from eventstore.event_ids import fill_event_ids
from eventstore.integrity.hashing import page_hash
from eventstore.record import Commit, StoredPage
from eventstore.serialization.codec import EventCodec

EVENTS_PER_PAGE_MAX: Final = 100
"""Events in a page; a commit is never cut, so one with more events has a page of its own."""


class _Content(msgspec.Struct, array_like=True):
    state_before: bytes
    columns: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Content).decode


class Page:
    """An opened page; its commits are decoded when they are asked for."""

    def __init__(self, stored: StoredPage, content: _Content, codec: EventCodec) -> None:
        self.aggregate_id = stored.aggregate_id
        self.first_version = stored.first_version
        self.last_version = stored.last_version
        self.state_before = content.state_before
        self.columns = content.columns
        self._codec = codec

    def commits(self, *, with_event_ids: bool = False) -> list[Commit[Any]]:
        """Return the page's commits, of current events."""
        try:
            commits = self._codec.decode(self.columns)
            if with_event_ids:
                fill_event_ids(self.columns, commits)
        except ValueError as error:
            raise _damaged(self.aggregate_id, self.first_version, str(error)) from error
        return commits


def seal_page(commits: Sequence[Commit[Any]], *, state_before: bytes, codec: EventCodec) -> StoredPage:
    """Return the page that holds these commits of one aggregate, their events as stored (not upcast)."""
    first, final = commits[0], commits[-1]
    unsealed = StoredPage(
        aggregate_id=first.aggregate_id,
        first_version=first.first_version,
        last_version=final.last_version,
        first_timestamp=first.timestamp,
        last_timestamp=final.timestamp,
        hash=b"",
        payload=codec.compress_bytes(_encode(_Content(state_before, codec.encode(commits)))),
    )
    return msgspec.structs.replace(unsealed, hash=page_hash(unsealed))


def open_page(stored: StoredPage, codec: EventCodec) -> Page:
    """Check a page and take it apart; raises IntegrityError."""
    if page_hash(stored) != stored.hash:
        raise _damaged(stored.aggregate_id, stored.first_version, "the page is not what was written")
    try:
        content = _decode(codec.decompress(stored.payload))
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        raise _damaged(stored.aggregate_id, stored.first_version, f"the page cannot be read ({error})") from error
    return Page(stored, content, codec)


def cut(commits: Sequence[Commit[Any]]) -> Iterator[Sequence[Commit[Any]]]:
    """Yield the commits of one aggregate in stretches that make a page each."""
    start = events = 0
    for index, commit in enumerate(commits):
        if events and events + len(commit.events) > EVENTS_PER_PAGE_MAX:
            yield commits[start:index]
            start, events = index, 0
        events += len(commit.events)
    if events:
        yield commits[start:]


def _damaged(aggregate_id: str, version: int, detail: str) -> IntegrityError:
    return IntegrityError(
        f"{detail}: drop the pages and make them again (manage.py rebuild_pages)",
        partition=None,
        seq=None,
        aggregate_id=aggregate_id,
        version=version,
    )
