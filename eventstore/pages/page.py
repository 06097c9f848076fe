"""A page: up to 100 consecutive events of one aggregate, exactly as the journal has them, and the state before them.

The payload is [state_before, columns], in zstd where that is shorter. A page's hash covers all of it and is checked on
every read; that the events are those of the journal is what `rebuild_pages --check` proves, by making every page again.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import msgspec

from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import CommitColumns, payload_columns
from eventstore.engines.base import Engine
from eventstore.errors import IntegrityError
from eventstore.integrity.hashing import page_hash
from eventstore.kernels.texts import text_of
from eventstore.reader import Source
from eventstore.record import StoredPage

T = TypeVar("T")

EVENTS_PER_PAGE_MAX: Final = 100
"""Events in a page; a commit is never cut, so one with more events has a page of its own."""


class _Content(msgspec.Struct, array_like=True):
    state_before: bytes
    columns: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(_Content).decode


class Command(NamedTuple):
    """A command of a page: its id, the version of its first event, and when (UTC microseconds)."""

    command_id: str
    version: int
    timestamp: int


class Page:
    """A stored page. Where it stands is known at once; what it holds is checked and taken apart when it is asked for.

    Everything raises IntegrityError for a page that is not what was written, once a second reading has found the same.
    """

    def __init__(self, stored: StoredPage, source: Source) -> None:
        self.aggregate_id = stored.aggregate_id
        self.first_version = stored.first_version
        self.last_version = stored.last_version
        self.first_timestamp = stored.first_timestamp
        self.last_timestamp = stored.last_timestamp
        self._stored = stored
        self._source = source
        self._content: _Content | None = None

    @property
    def state_before(self) -> bytes:
        """The state before the first of the page's events, as the release dumped it that made the page."""
        return self._read(lambda content, codec: content.state_before)

    def columns(self) -> CommitColumns:
        """Return the page's commits and events as they are stored."""
        return self._read(lambda content, codec: codec.unpack(content.columns))

    def commands(self) -> list[Command]:
        """Return the commands of the page, without decoding any event."""
        return self._read(lambda content, codec: _commands(codec.unpack(content.columns)))

    def _read(self, take: Callable[[_Content, EventCodec], T]) -> T:
        def read(source: Source) -> T:
            try:
                return take(self._opened(source), source.codec)
            except ValueError as error:
                raise _damaged(self.aggregate_id, self.first_version, str(error)) from error

        return self._source.read(read)

    def _opened(self, source: Source) -> _Content:
        if source is not self._source:
            stored = source.engine.last_page(self.aggregate_id, version=self.first_version)
            if stored is None or stored.first_version != self.first_version:
                raise _damaged(self.aggregate_id, self.first_version, "the page is not there any more")
            return _content(stored, source.codec)
        if self._content is None:
            self._content = _content(self._stored, source.codec)
        return self._content


class PageReader:
    """The pages of one store. May be used from several threads."""

    def __init__(self, engine: Engine, codec: EventCodec) -> None:
        self.codec = codec
        self._source = Source(engine, codec)

    def last(self, aggregate_id: str, *, version: int | None = None, timestamp: int | None = None) -> Page | None:
        """Return the last page that begins at or before a version, or at or before an instant, or at all."""
        stored = self._source.read(
            lambda source: source.engine.last_page(aggregate_id, version=version, timestamp=timestamp)
        )
        return None if stored is None else Page(stored, self._source)

    def after(self, aggregate_id: str, *, after_version: int, limit: int) -> list[Page]:
        """Return pages whose last version is above `after_version`, in order, at most `limit`."""
        found = self._source.read(
            lambda source: source.engine.pages(aggregate_id, after_version=after_version, limit=limit)
        )
        return [Page(stored, self._source) for stored in found]


def seal_page(columns: CommitColumns, *, state_before: bytes, codec: EventCodec) -> StoredPage:
    """Return the page that holds these commits of one aggregate, their events as stored (not upcast)."""
    commits = columns.commits
    plain = payload_columns(commits, columns.events, codec.formulas)
    unsealed = StoredPage(
        aggregate_id=text_of(commits.aggregate_ids[0]),
        first_version=int(commits.first_versions[0]),
        last_version=int(commits.first_versions[-1] + commits.event_counts[-1]) - 1,
        first_timestamp=int(commits.timestamps[0]),
        last_timestamp=int(commits.timestamps[-1]),
        hash=b"",
        payload=codec.compress_bytes(_encode(_Content(state_before, plain))),
    )
    return msgspec.structs.replace(unsealed, hash=page_hash(unsealed))


def _content(stored: StoredPage, codec: EventCodec) -> _Content:
    """Check a page and take it apart; raises ValueError."""
    if page_hash(stored) != stored.hash:
        raise ValueError("the page is not what was written")
    try:
        return _decode(codec.decompress(stored.payload))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"the page cannot be read ({error})") from error


def _commands(columns: CommitColumns) -> list[Command]:
    versions, timestamps = columns.commits.first_versions.tolist(), columns.commits.timestamps.tolist()
    return list(map(Command, columns.command_ids(), versions, timestamps))


def _damaged(aggregate_id: str, version: int, detail: str) -> IntegrityError:
    return IntegrityError(
        f"{detail}: make the pages again (manage.py rebuild_pages)",
        partition=None,
        seq=None,
        aggregate_id=aggregate_id,
        version=version,
    )
