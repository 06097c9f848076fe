"""Which writer serves which partitions of the event store: one address, or several with the share of each.

    ipc:///run/writer.sock                                   one writer for everything
    0-7=tcp://writer-a:5555,8-15=tcp://writer-b:5555         two, each with half of sixteen partitions

Only a matter of speed: a writer executes whatever it is sent, and if two believe that they own a partition, the store's
conditional append still lets exactly one of them write each batch.
"""

import re
from itertools import pairwise
from typing import Final, NamedTuple

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
