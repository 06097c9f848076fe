"""The bus to several writers: each command goes to the one that owns its account's partition.

A setting says which writer that is, by one address, or several with the share of each:

    ipc:///run/writer.sock                                   one writer for everything
    0-7=tcp://writer-a:5555,8-15=tcp://writer-b:5555         two, each with half of sixteen partitions

Only a matter of speed: a writer executes whatever it is sent, and if two believe that they own a partition, the store's
conditional append still lets exactly one of them write each batch.

A request for accounts of several writers is split, and its results come back in the order of the request. What one
writer cannot do says nothing of the others: each command has a result of its own.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

import numpy as np

from accounts.kernels.answers import OUTCOME
from accounts.writer.bus.zeromq import ZeroMQBus
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, Result
from accounts.writer.outcomes import BatchResults
from eventstore.kernels.partitions import partitions_of
from eventstore.record import partition_of

_SHARE: Final = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)
_SCHEMES: Final = ("ipc://", "tcp://")


class InvalidRoutes(ValueError):
    """The addresses of writers are not written as they should be, or leave a partition out."""


class Route(NamedTuple):
    """A writer's address and the partitions that are sent there."""

    endpoint: str
    partitions: range

    @property
    def share(self) -> str:
        """The partitions as they are written, such as "0-7"."""
        first, last = self.partitions[0], self.partitions[-1]
        return str(first) if first == last else f"{first}-{last}"


def parse_routes(text: str, *, partition_count: int) -> list[Route]:
    """Return the routes that a setting names; raises InvalidRoutes."""
    routes = [_route(part.strip(), partition_count) for part in text.split(",")]
    owned: set[int] = set()
    for route in routes:
        twice = owned.intersection(route.partitions)
        if twice:
            raise InvalidRoutes(f"partition {min(twice)} is sent to two writers: give each partition to one")
        owned.update(route.partitions)
    return routes


def check_complete(routes: list[Route], *, partition_count: int) -> None:
    """Refuse routes that leave a partition without a writer; raises InvalidRoutes."""
    missing = set(range(partition_count)).difference(*[route.partitions for route in routes])
    if missing:
        raise InvalidRoutes(
            f"partition {min(missing)} is sent to no writer: the store has partitions 0 to {partition_count - 1}"
        )


def even_shares(writers: int, *, partition_count: int) -> list[str]:
    """Return the shares of some writers, as equal as can be; raises InvalidRoutes for more writers than partitions."""
    if not 1 <= writers <= partition_count:
        raise InvalidRoutes(f"{partition_count} partitions are for 1 to {partition_count} writers, found {writers}")
    bounds = [partition_count * number // writers for number in range(writers + 1)]
    return [Route("", range(first, end)).share for first, end in pairwise(bounds)]


def _route(part: str, partition_count: int) -> Route:
    share, separator, endpoint = part.rpartition("=")
    if not endpoint.startswith(_SCHEMES):
        raise InvalidRoutes(f"a writer's address begins with ipc:// or tcp://, found {endpoint!r}")
    return Route(endpoint, parse_share(share, partition_count=partition_count) if separator else range(partition_count))


def parse_share(text: str, *, partition_count: int) -> range:
    """Return the partitions that a text such as "0-7" or "3" names; raises InvalidRoutes."""
    matched = _SHARE.fullmatch(text)
    if matched is None:
        raise InvalidRoutes(f'partitions are written as "0-7" or "3", found {text!r}')
    first = int(matched[1])
    last = int(matched[2] or first)
    if not first <= last < partition_count:
        raise InvalidRoutes(f"the store has partitions 0 to {partition_count - 1}, found {text!r}")
    return range(first, last + 1)


R = TypeVar("R")


class RoutedBus:
    """Implements ports.Bus over one bus for each route."""

    def __init__(self, buses: Mapping[Route, ZeroMQBus], *, partition_count: int) -> None:
        self._buses = list(buses.values())
        self._partition_count = partition_count
        self._owner = [0] * partition_count
        for place, route in enumerate(buses):
            for partition in route.partitions:
                self._owner[partition] = place

    def submit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        places = self._places_by_writer(envelopes)
        with ThreadPoolExecutor(len(places)) as pool:  # A writer that is silent must not keep the others waiting.
            parts = pool.map(
                lambda of_writer: self._buses[of_writer[0]].submit([envelopes[place] for place in of_writer[1]]),
                places.items(),
            )
            return _in_order(places, list(parts))

    async def asubmit(self, envelopes: Sequence[Envelope]) -> list[Result]:
        places = self._places_by_writer(envelopes)
        asked = (self._buses[n].asubmit([envelopes[place] for place in found]) for n, found in places.items())
        return _in_order(places, await asyncio.gather(*asked))

    async def asubmit_batch(self, commands: AccountCommands) -> BatchResults:
        partitions = np.empty(len(commands), np.int64)
        partitions_of(commands.aggregate_ids, self._partition_count, partitions)
        owners = np.array(self._owner)[partitions]
        places = {int(owner): np.flatnonzero(owners == owner) for owner in np.unique(owners)}
        asked = (self._buses[owner].asubmit_batch(commands.take(found)) for owner, found in places.items())
        results = BatchResults(np.zeros(len(commands), OUTCOME), {})
        for found, part in zip(places.values(), await asyncio.gather(*asked), strict=True):
            results.rows[found] = part.rows
            results.others.update({int(found[place]): told for place, told in part.others.items()})
        return results

    def _places_by_writer(self, envelopes: Sequence[Envelope]) -> dict[int, list[int]]:
        places: dict[int, list[int]] = {}
        for place, envelope in enumerate(envelopes):
            writer = self._owner[partition_of(envelope.account_id, self._partition_count)]
            places.setdefault(writer, []).append(place)
        return places


def _in_order(places: Mapping[int, Sequence[int]], parts: Sequence[Sequence[R]]) -> list[R]:
    found = {
        place: result
        for of_writer, results in zip(places.values(), parts, strict=True)
        for place, result in zip(of_writer, results, strict=True)
    }
    return [found[place] for place in range(len(found))]
