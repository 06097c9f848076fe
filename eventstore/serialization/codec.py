"""The codec of a store: which event types it may hold, and how commits become a payload and come back.

    payload = zstd(columns), see columns.py
    event   = ["TypeName@schema_version", field, ...], the form that the hashes cover

Reading gives typed events. An old schema version is a class of its own, turned into its successor by an upcaster on
every read. A field may be added at the end of a class with a default: batches from before it have a column fewer.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from types import GenericAlias
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec
import zstandard

from eventstore.errors import UnknownEventType
from eventstore.record import Commit
from eventstore.serialization import columns
from eventstore.serialization.columns import EncodedCommit, Layout, TypeColumns
from eventstore.serialization.identifiers import KnownIdentifiers, unpack

Upcaster = Callable[[Any], Any]

PAYLOAD_BYTES_MAX: Final = 256 * 1024 * 1024
_COMPRESSION_LEVEL: Final = 3
_PREFIX_READ_BYTES: Final = 4_096


class _ZstdContexts(threading.local):
    """The contexts of the thread that asks: zstandard lets go of the interpreter's lock while it uses one, so two
    threads in one context read each other's bytes, or crash the process.
    """

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


class _Decoders(NamedTuple):
    """How the columns of one type are decoded: by place, which fields there have to be, and the place of each name."""

    of_columns: list[msgspec.msgpack.Decoder[list[Any]]]
    required: int
    places: dict[str, int]


class EventCodec:
    """Encodes and decodes commits of the registered event types; any number of threads may use one codec at once.

    `event_types` are msgspec Structs with `array_like=True` and a tag of the form "Name@version". `upcasters` maps a
    class of an old version to the function that makes the next version of it; they are applied until a current class is
    reached.
    """

    def __init__(
        self, event_types: Iterable[type[msgspec.Struct]], upcasters: Mapping[type, Upcaster] | None = None
    ) -> None:
        self._upcasters = dict(upcasters or {})
        self._classes = {str(cls.__struct_config__.tag): cls for cls in event_types}
        self._decoders: dict[str, _Decoders] = {}
        self.encode_value = msgspec.msgpack.Encoder().encode
        """Returns the exact bytes of an event, or of a commit's header as a tuple, as the hashes cover them."""
        self._zstd = _ZstdContexts()
        self.known_identifiers = KnownIdentifiers()

    def fresh(self) -> "EventCodec":
        """Return a codec of the same types that shares nothing else with this one."""
        return EventCodec(self._classes.values(), self._upcasters)

    @property
    def event_types(self) -> Mapping[str, type[msgspec.Struct]]:
        """Every registered class, old versions included, by its tag."""
        return self._classes

    def encode(self, commits: Sequence[Commit[Any]]) -> bytes:
        """Return the plain columns of these commits."""
        return columns.encode([commit.header for commit in commits], [commit.events for commit in commits])

    def compress_columns(self, headers: Sequence[tuple[Any, ...]], event_groups: Sequence[Sequence[Any]]) -> bytes:
        """Return the payload that holds commits with these headers (eight values each) and events."""
        return self.compress_bytes(columns.encode(headers, event_groups))

    def compress_bytes(self, plain: bytes) -> bytes:
        """Compress plain bytes; `decompress` gives them back."""
        return self._zstd.compressor.compress(plain)

    def decompress(self, payload: bytes) -> bytes:
        """Return the plain columns of a payload; raises ValueError when they are not what was compressed."""
        try:
            return self._zstd.decompressor.decompress(payload, max_output_size=PAYLOAD_BYTES_MAX)
        except zstandard.ZstdError as error:
            raise ValueError(f"the payload cannot be decompressed ({error})") from error

    def decompress_prefix(self, payload: bytes) -> bytes:
        """Return as many plain bytes as a damaged payload still gives, perhaps none."""
        stream = self._zstd.decompressor.stream_reader(payload)
        plain = bytearray()
        try:
            while part := stream.read(_PREFIX_READ_BYTES):
                plain += part
        except zstandard.ZstdError:
            pass
        return bytes(plain)

    def decode(self, plain: bytes, *, as_stored: bool = False) -> list[Commit[Any]]:
        """Decode a decompressed payload into commits of current events; raises ValueError or UnknownEventType.

        With `as_stored`, events of old schema versions are left what they are.
        """
        layout = columns.take_apart(plain)
        count = layout.commit_count
        events = layout.in_order([self._events(of_type, layout) for of_type in layout.types])
        if self._upcasters and not as_stored:
            events = [self.upcast(event) for event in events]
        header_columns = (
            self.known_identifiers.unpack(layout.aggregate_ids, count=count),
            layout.first_versions,
            layout.timestamp_list(),
            unpack(layout.command_ids, count=count),
            unpack(layout.correlation_ids, count=count),
            unpack(layout.causation_ids, count=count),
            layout.actor_list(),
            layout.metadata or [None] * count,
            _grouped(events, layout.event_counts),
        )
        return [Commit(*values) for values in zip(*header_columns, strict=True)]

    def raw_commits(self, plain: bytes) -> list[EncodedCommit]:
        """Return the exact bytes of every commit, whatever its types; raises ValueError."""
        return columns.raw_commits(plain)

    def is_old(self, tag: str) -> bool:
        """Tell whether events with this tag are turned into something else on reading."""
        return self._classes.get(tag) in self._upcasters

    def event_at(self, plain: bytes, offset: int) -> int:
        """Return the index of the event that a byte of the plain payload belongs to, 0 if it belongs to none."""
        return columns.event_at(plain, offset)

    def _events(self, of_type: TypeColumns, layout: Layout) -> list[Any]:
        cls = self._class_of(of_type.tag)
        if not of_type.columns:
            return [cls() for _ in range(columns.rows(of_type, layout))]
        return [cls(*row) for row in zip(*self.decode_columns(of_type), strict=True)]

    def decode_columns(self, of_type: TypeColumns, *, only: Sequence[str] | None = None) -> list[list[Any]]:
        """Return the values of every stored column of a type, or of some fields; raises ValueError, UnknownEventType.

        Fields that are asked for by name must be among the required ones.
        """
        decoders, required, places = self._column_decoders(of_type.tag)
        if not required <= len(of_type.columns) <= len(decoders):
            raise UnknownEventType(
                f"a stored {of_type.tag} has {len(of_type.columns)} fields and this process knows {required} to "
                f"{len(decoders)}: run the release that wrote it, or a later one"
            )
        try:
            if only is None:
                values = [decoder.decode(raw) for decoder, raw in zip(decoders, of_type.columns, strict=False)]
            else:
                values = [decoders[places[name]].decode(of_type.columns[places[name]]) for name in only]
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise ValueError(f"a column of {of_type.tag} is not what was written ({error})") from error
        if len(set(map(len, values))) > 1:
            raise ValueError(f"the columns of {of_type.tag} are not of one length")
        return values

    def _column_decoders(self, tag: str) -> _Decoders:
        decoders = self._decoders.get(tag)
        if decoders is None:
            cls = self._class_of(tag)
            hints = get_type_hints(cls)
            column_types: list[Any] = [GenericAlias(list, (hints[name],)) for name in cls.__struct_fields__]
            decoders = _Decoders(
                of_columns=[msgspec.msgpack.Decoder(of_column) for of_column in column_types],
                required=len(column_types) - len(cls.__struct_defaults__),
                places={name: place for place, name in enumerate(cls.__struct_fields__)},
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


def _grouped(events: Sequence[Any], counts: Sequence[int] | None) -> list[tuple[Any, ...]]:
    if counts is None:
        return [(event,) for event in events]
    stream = iter(events)
    return [tuple(islice(stream, count)) for count in counts]
