"""The codec of a store: which event types it may hold, and how commits become a payload and come back.

    payload = 0x00 columns, or 0x01 zstd(columns), see packed.py
    event   = ["TypeName@schema_version", field, ...], the form that the hashes cover

Reading gives typed events. An old schema version is a class of its own, turned into its successor by an upcaster on
every read. A field may be added at the end of a class with a default: batches from before it have a column fewer.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec
import zstandard

from eventstore.columns.cells import EventCells
from eventstore.columns.formulas import Declaration, Formulas
from eventstore.columns.packed import CommitColumns, unpack, unpack_together
from eventstore.errors import EventStoreError, UnknownEventType
from eventstore.record import Commit

Upcaster = Callable[[Any], Any]

PAYLOAD_BYTES_MAX: Final = 256 * 1024 * 1024
_COMPRESSION_LEVEL: Final = 1
_TRIAL_BYTES: Final = 512
_PAYING_BYTES: Final = 448
_PLAIN: Final = b"\x00"
_COMPRESSED: Final = b"\x01"
_PREFIX_READ_BYTES: Final = 4_096


class _ZstdContexts(threading.local):
    """The contexts of the thread that asks: zstandard lets go of the interpreter's lock while it uses one, so two
    threads in one context read each other's bytes, or crash the process.
    """

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


class EncodedCommit(NamedTuple):
    """A commit's exact bytes, as the hashes cover them: its header as an array of eight, and each event."""

    header: bytes
    events: Sequence[bytes]


class _Decoders(NamedTuple):
    """How one type is decoded, how many fields its events have, and how many of them there have to be."""

    of_event: Callable[[Any], Any]
    field_count: int
    required: int


class EventCodec:
    """Encodes and decodes commits of the registered event types; any number of threads may use one codec at once.

    `event_types` are msgspec Structs with `array_like=True` and a tag of the form "Name@version". `upcasters` maps a
    class of an old version to the function that makes the next version of it; they are applied until a current class is
    reached.
    """

    def __init__(
        self,
        event_types: Iterable[type[msgspec.Struct]],
        upcasters: Mapping[type, Upcaster] | None = None,
        declarations: Iterable[Declaration] = (),
    ) -> None:
        """`declarations` say what of the events follows from what, see formulas.py."""
        self._upcasters = dict(upcasters or {})
        self._classes = {str(cls.__struct_config__.tag): cls for cls in event_types}
        self._decoders: dict[str, _Decoders] = {}
        self.encode_value = msgspec.msgpack.Encoder().encode
        """Returns the exact bytes of an event, or of a commit's header as a tuple, as the hashes cover them."""
        self._zstd = _ZstdContexts()
        self._declarations = tuple(declarations)
        self.formulas = Formulas(self._declarations)
        """What payloads are written and read by."""

    def fresh(self) -> "EventCodec":
        """Return a codec of the same types that shares nothing else with this one."""
        return EventCodec(self._classes.values(), self._upcasters, self._declarations)

    @property
    def event_types(self) -> Mapping[str, type[msgspec.Struct]]:
        """Every registered class, old versions included, by its tag."""
        return self._classes

    def compress_bytes(self, plain: bytes) -> bytes:
        """Compress plain bytes if that makes them shorter; `decompress` gives them back.

        Bits hardly compress and texts do, and these come first: the beginning tells whether it is worth the time.
        """
        compress = self._zstd.compressor.compress
        if len(plain) <= _TRIAL_BYTES or len(compress(plain[:_TRIAL_BYTES])) < _PAYING_BYTES:
            compressed = compress(plain)
            if len(compressed) < len(plain):
                return _COMPRESSED + compressed
        return _PLAIN + plain

    def decompress(self, payload: bytes) -> bytes:
        """Return the plain columns of a payload; raises ValueError when they are not what was compressed."""
        form, content = payload[:1], payload[1:]
        if form == _PLAIN:
            return content
        if form != _COMPRESSED:
            raise ValueError("the payload does not begin as payloads do")
        try:
            return self._zstd.decompressor.decompress(content, max_output_size=PAYLOAD_BYTES_MAX)
        except zstandard.ZstdError as error:
            raise ValueError(f"the payload cannot be decompressed ({error})") from error

    def decompress_prefix(self, payload: bytes) -> bytes:
        """Return as many plain bytes as a damaged payload still gives, perhaps none."""
        if payload[:1] == _PLAIN:
            return payload[1:]
        stream = self._zstd.decompressor.stream_reader(payload[1:])
        plain = bytearray()
        try:
            while part := stream.read(_PREFIX_READ_BYTES):
                plain += part
        except zstandard.ZstdError:
            pass
        return bytes(plain)

    def unpack(self, plain: bytes) -> CommitColumns:
        """Take a plain payload apart; raises ValueError or UnknownEventType."""
        return unpack(plain, self.formulas)

    def unpack_together(self, plains: Sequence[bytes]) -> CommitColumns:
        """Take plain payloads apart, in their order, as if they were one; raises what `unpack` raises."""
        return unpack_together(plains, self.formulas)

    def commits(self, columns: CommitColumns) -> list[Commit[Any]]:
        """Make commits of current events of columns; raises ValueError or UnknownEventType."""
        events = self._events(columns.events)
        if self._upcasters:
            events = [self.upcast(event) for event in events]
        stream = iter(events)
        groups = [tuple(islice(stream, count)) for count in columns.commits.event_counts.tolist()]
        return [Commit(*values) for values in zip(*columns.header_columns(), groups, strict=True)]

    def raw_commits(self, plain: bytes) -> list[EncodedCommit]:
        """Return the exact bytes of every commit, whatever its types; raises ValueError."""
        columns = self.unpack(plain)
        stream = iter(columns.events.all_encoded())
        headers = map(self.encode_value, zip(*columns.header_columns(), strict=True))
        counts = columns.commits.event_counts.tolist()
        return [
            EncodedCommit(header, [bytes(event) for event in islice(stream, count)])
            for header, count in zip(headers, counts, strict=True)
        ]

    def is_current(self, tag: str, field_count: int) -> bool:
        """Tell whether events with this tag and so many fields are read as they are stored; raises UnknownEventType."""
        decoders = self._checked_decoders(tag, field_count)
        return self._classes[tag] not in self._upcasters and field_count == decoders.field_count

    def event_at(self, plain: bytes, offset: int) -> int:
        """Return the index of the first event that would be another one if a byte of the plain payload were; 0 when
        nothing could be read then, or no event would change.
        """
        damaged = bytearray(plain)
        try:
            damaged[offset] ^= 0xFF
            found = self.raw_commits(bytes(damaged))
        except (IndexError, ValueError, EventStoreError):
            return 0
        pairs = enumerate(zip(_events_with_headers(self.raw_commits(plain)), _events_with_headers(found), strict=False))
        return next((index for index, (written, other) in pairs if written != other), 0)

    def _events(self, events: EventCells) -> list[Any]:
        """Return all events as objects of their classes."""
        counts = events.field_counts.tolist()
        decoders = [self._checked_decoders(tag, count).of_event for tag, count in zip(events.tags, counts, strict=True)]
        types = events.types.tolist()
        try:
            return [decoders[of_type](raw) for of_type, raw in zip(types, events.all_encoded(), strict=True)]
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise ValueError(f"an event is not what was written ({error})") from error

    def _checked_decoders(self, tag: str, field_count: int) -> _Decoders:
        """Return the decoders of a type, of which events with so many fields are stored."""
        decoders = self._column_decoders(tag)
        if not decoders.required <= field_count <= decoders.field_count:
            raise UnknownEventType(
                f"a stored {tag} has {field_count} fields and this process knows {decoders.required} to "
                f"{decoders.field_count}: run the release that wrote it, or a later one"
            )
        return decoders

    def _column_decoders(self, tag: str) -> _Decoders:
        decoders = self._decoders.get(tag)
        if decoders is None:
            cls = self._class_of(tag)
            decoders = _Decoders(
                of_event=msgspec.msgpack.Decoder(cls).decode,
                field_count=len(cls.__struct_fields__),
                required=len(cls.__struct_fields__) - len(cls.__struct_defaults__),
            )
            self._decoders[tag] = decoders  # Whole, in one step: two threads at once make it twice, and both are right.
        return decoders

    def _class_of(self, tag: str) -> type[msgspec.Struct]:
        cls = self._classes.get(tag)
        if cls is None:
            raise UnknownEventType(
                f"a stored event has the type or schema version {tag!r}, which this process does not know: "
                "run the release that wrote it, or a later one"
            )
        return cls

    def upcast(self, event: Any) -> Any:
        """Return a stored event in its current schema version."""
        while (upcaster := self._upcasters.get(type(event))) is not None:
            event = upcaster(event)
        return event


def _events_with_headers(commits: Sequence[EncodedCommit]) -> Iterator[tuple[bytes, bytes]]:
    return ((header, event) for header, events in commits for event in events)
