"""The payload of a batch: MessagePack arrays of commits, compressed with zstd, and the registry of stored event types.

    payload = zstd([commit, ...])
    commit  = [aggregate_id, first_version, timestamp, command_id, correlation_id, causation_id, actor, metadata,
    [event, ...]] event   = ["TypeName@schema_version", field, ...]

Reading decodes a whole payload in one call into typed events. Exact stored bytes, which the hashes cover, are had with
`raw_commits`. An old schema version is a class of its own, turned into its successor by an upcaster on every read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Union

import msgspec
import zstandard

from eventstore.errors import UnknownEventType
from eventstore.record import Commit, CommitHeader

Upcaster = Callable[[Any], Any]

PAYLOAD_BYTES_MAX: Final = 256 * 1024 * 1024
_COMPRESSION_LEVEL: Final = 3
_PREFIX_READ_BYTES: Final = 4_096


class EncodedCommit(NamedTuple):
    """A commit's exact stored bytes: its header as an array of eight, and each event."""

    header: bytes
    events: Sequence[bytes]


class _RawCommit(msgspec.Struct, array_like=True):
    aggregate_id: msgspec.Raw
    first_version: msgspec.Raw
    timestamp: msgspec.Raw
    command_id: msgspec.Raw
    correlation_id: msgspec.Raw
    causation_id: msgspec.Raw
    actor: msgspec.Raw
    metadata: msgspec.Raw
    events: list[msgspec.Raw]


class EventCodec:
    """Encodes and decodes commits of the registered event types.

    `event_types` are msgspec Structs with `array_like=True` and a tag of the form "Name@version". `upcasters` maps a
    class of an old version to the function that makes the next version of it; they are applied until a current class is
    reached.
    """

    def __init__(
        self, event_types: Iterable[type[msgspec.Struct]], upcasters: Mapping[type, Upcaster] | None = None
    ) -> None:
        types = tuple(event_types)
        self._upcasters = dict(upcasters or {})
        self._encode = msgspec.msgpack.Encoder().encode
        union: Any = Union[types]  # noqa: UP007 - built at run time.
        self._decoder: msgspec.msgpack.Decoder[list[Commit[Any]]] = msgspec.msgpack.Decoder(list[Commit[union]])
        self._raw_decoder = msgspec.msgpack.Decoder(list[_RawCommit])
        self._compressor = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def encode_commit(self, header: CommitHeader, events: Sequence[Any]) -> EncodedCommit:
        """Return the exact bytes of a commit."""
        encode = self._encode
        return EncodedCommit(encode(header), [encode(event) for event in events])

    def compress(self, commits: Sequence[EncodedCommit]) -> bytes:
        """Return the payload of a batch."""
        parts = [_array_prefix(len(commits))]
        for header, events in commits:
            parts.append(b"\x99")  # An array of nine: the eight of the header and the events.
            parts.append(header[1:])
            parts.append(_array_prefix(len(events)))
            parts.extend(events)
        return self._compressor.compress(b"".join(parts))

    def decompress(self, payload: bytes) -> bytes:
        """Return the MessagePack bytes of a payload; raises ValueError when they are not what was compressed."""
        try:
            return self._decompressor.decompress(payload, max_output_size=PAYLOAD_BYTES_MAX)
        except zstandard.ZstdError as error:
            raise ValueError(f"the payload cannot be decompressed ({error})") from error

    def decompress_prefix(self, payload: bytes) -> bytes:
        """Return as many plain bytes as a damaged payload still gives, perhaps none."""
        stream = self._decompressor.stream_reader(payload)
        plain = bytearray()
        try:
            while part := stream.read(_PREFIX_READ_BYTES):
                plain += part
        except zstandard.ZstdError:
            pass
        return bytes(plain)

    def decode(self, plain: bytes) -> list[Commit[Any]]:
        """Decode a decompressed payload into commits of current events; raises ValueError or UnknownEventType."""
        try:
            commits: list[Commit[Any]] = self._decoder.decode(plain)
        except msgspec.ValidationError as error:
            if "tag" in str(error) or "Invalid value" in str(error):
                raise UnknownEventType(
                    f"a stored event has a type or schema version that this process does not know ({error}): "
                    "run the release that wrote it, or a later one"
                ) from error
            raise ValueError(f"the payload is not a list of commits ({error})") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"the payload is not MessagePack ({error})") from error
        if self._upcasters:
            for commit in commits:
                commit.events = tuple(self._upcast(event) for event in commit.events)
        return commits

    def raw_commits(self, plain: bytes) -> list[EncodedCommit]:
        """Split a decompressed payload into the exact stored bytes; raises ValueError."""
        try:
            raws = self._raw_decoder.decode(plain)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ValueError(f"the payload is not a list of commits ({error})") from error
        return [EncodedCommit(_raw_header(raw), [bytes(event) for event in raw.events]) for raw in raws]

    def _upcast(self, event: Any) -> Any:
        while (upcaster := self._upcasters.get(type(event))) is not None:
            event = upcaster(event)
        return event


def event_type_name(event: object) -> str:
    """Return the name of an event's type as users know it."""
    return type(event).__name__


def _raw_header(raw: _RawCommit) -> bytes:
    return b"\x98" + b"".join(
        (
            raw.aggregate_id,
            raw.first_version,
            raw.timestamp,
            raw.command_id,
            raw.correlation_id,
            raw.causation_id,
            raw.actor,
            raw.metadata,
        )
    )


def _array_prefix(length: int) -> bytes:
    if length < 16:
        return bytes((0x90 | length,))
    if length < 65_536:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")
