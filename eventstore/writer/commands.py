"""Commands side by side, as the writer takes them: identifiers as rows of bytes, the rest in columns.

What a command asks for is the application's business: `bodies` is an array of its own, a row for each command. A row's
field `other` is -1, or the number of a command among `others` that is an object. Commands that are objects all need
nothing but this class (`Commands.of`).
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, Final, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from eventstore.idempotency.command_ids import CommandKeys
from eventstore.idempotency.remembered import Keys
from eventstore.kernels.texts import Texts, pack_texts, text_of
from eventstore.writer.request import Request

C = TypeVar("C")

OTHER: Final = np.dtype([("other", "<i4")])
"""The rows of commands that are objects all."""


class Origin(NamedTuple):
    """Where commands come from: who sent them, and what a conversation they belong to says."""

    actor: str
    correlation_id: str | None = None
    causation_id: str | None = None
    metadata: dict[str, str] | None = None


class Commands(Generic[C]):
    """Commands in the order of asking."""

    def __init__(
        self,
        *,
        aggregate_ids: Texts,
        command_ids: Texts,
        origins: Sequence[Origin],
        origins_of: NDArray[np.int64],
        bodies: NDArray[Any],
        others: Sequence[C],
    ) -> None:
        """`origins_of` has the place of each command's origin in `origins`."""
        self.aggregate_ids = aggregate_ids
        self.command_ids = command_ids
        self.origins = origins
        self.origins_of = origins_of
        self.bodies = bodies
        self.others = others

    @classmethod
    def of(cls, requests: Sequence[Request[C]]) -> Self:
        """Return commands that are objects as columns; raises TextTooLong."""
        bodies = np.zeros(len(requests), OTHER)
        bodies["other"] = np.arange(len(requests))
        commands = [request.command for request in requests]
        return cls(**addresses(requests), bodies=bodies, others=commands)

    def __len__(self) -> int:
        return len(self.bodies)

    def take(self, places: NDArray[np.int64] | slice) -> Self:
        """Return the commands at some places."""
        taken = copy(self)
        for name in ("aggregate_ids", "command_ids", "origins_of", "bodies"):
            setattr(taken, name, getattr(self, name)[places])
        return taken

    def keys(self, command_keys: CommandKeys) -> Keys:
        """Return the key that each command is remembered by."""
        actors = [origin.actor for origin in self.origins]
        return command_keys.of(self.aggregate_ids, self.command_ids, actors=actors, actors_of=self.origins_of)

    def aggregate_id(self, place: int) -> str:
        return text_of(self.aggregate_ids[place])

    def command_id(self, place: int) -> str:
        return text_of(self.command_ids[place])

    def origin(self, place: int) -> Origin:
        """Return where a command comes from."""
        return self.origins[int(self.origins_of[place])]

    def command(self, place: int) -> C:
        """Return a command as an object."""
        return self.others[int(self.bodies["other"][place])]

    def header(self, place: int, first_version: int, timestamp: int) -> tuple[Any, ...]:
        """Return the header's values of its commit, in stored order (see record.CommitHeader)."""
        actor, correlation_id, causation_id, metadata = self.origin(place)
        return (
            self.aggregate_id(place),
            first_version,
            timestamp,
            self.command_id(place),
            correlation_id,
            causation_id,
            actor,
            metadata,
        )


def addresses(requests: Sequence[Request[Any]]) -> dict[str, Any]:
    """Return the columns that say whose commands these are; raises TextTooLong."""
    places: dict[Any, int] = {}
    origins: list[Origin] = []
    origins_of = np.empty(len(requests), np.int64)
    for number, request in enumerate(requests):
        origin = Origin(request.actor, request.correlation_id, request.causation_id, request.metadata)
        key = origin if origin.metadata is None else (*origin[:3], tuple(sorted(origin.metadata.items())))
        place = places.setdefault(key, len(origins))
        if place == len(origins):
            origins.append(origin)
        origins_of[number] = place
    return {
        "aggregate_ids": pack_texts([request.aggregate_id for request in requests]),
        "command_ids": pack_texts([request.command_id for request in requests]),
        "origins": origins,
        "origins_of": origins_of,
    }
