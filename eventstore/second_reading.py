"""No alarm without a second reading: whoever finds that something was altered or is missing reads it once more, over
new connections and with a new codec, and only what is found then as well is said.

One reading can be wrong where nothing was altered: a bit of memory, a cable, a fault of our own. Nothing is repaired or
passed over here: when the second reading is sound it is the answer, and the log says that the first was not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.errors import FeedGap, IntegrityError

T = TypeVar("T")

ALARMS: Final = (FeedGap, IntegrityError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What stored bytes are read with. Two sources share nothing but the storage."""

    engine: Engine
    codec: EventCodec

    def read(self, read: "Callable[[Source], T]") -> T:
        """Return what `read` returns from this source, or, where it raises an alarm, from a second one.

        `read` must be what can be done twice. Raises the alarm of the second reading.
        """
        return confirmed(lambda: read(self), lambda: self._again(read))

    def _again(self, read: "Callable[[Source], T]") -> T:
        with self.second() as source:
            return read(source)

    @contextmanager
    def second(self) -> "Iterator[Source]":
        """Open a second source for the block."""
        engine = self.engine.reopened()
        try:
            yield Source(engine, self.codec.fresh())
        finally:
            engine.close()


def confirmed(read: Callable[[], T], read_again: Callable[[], T]) -> T:
    """Return what one reading returns, or, where it raises an alarm, an independent second one."""
    try:
        return read()
    except ALARMS as alarm:
        found = read_again()
        say_unconfirmed(alarm)
        return found


def say_unconfirmed(alarm: object) -> None:
    """Tell the log of an alarm that a second reading does not share."""
    log.warning("eventstore.alarm_not_confirmed", alarm=str(alarm), consequence="the second reading counts")
