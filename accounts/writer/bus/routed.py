"""The bus to several writers: each command goes to the one that owns its account's partition.

A request for accounts of several writers is split, and its results come back in the order of the request. What one
writer cannot do says nothing of the others: each command has a result of its own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from accounts.kernels.answers import OUTCOME
from accounts.writer.bus.routes import Route
from accounts.writer.bus.zeromq import ZeroMQBus
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, Result
from accounts.writer.outcomes import BatchResults
from eventstore.kernels.partitions import partitions_of
from eventstore.record import partition_of

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
