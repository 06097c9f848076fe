"""Loading an aggregate from its pages: the state after the last one, and the commands that must not execute again."""

from typing import Any, Generic, TypeVar

from eventstore.engines.base import Engine
from eventstore.pages.page import Page, PageReader
from eventstore.pages.states import PageStates
from eventstore.serialization.codec import EventCodec
from eventstore.writer.decider import Decider
from eventstore.writer.limits import REMEMBERED_COMMANDS_MIN, REMEMBERED_SECONDS
from eventstore.writer.remembered import RememberedCommands

S = TypeVar("S")


class Aggregate(Generic[S]):
    """The state of one aggregate at a version, and the commands that led there."""

    __slots__ = ("remembered", "state", "version")

    def __init__(self, state: S, version: int, remembered: RememberedCommands) -> None:
        self.state = state
        self.version = version
        self.remembered = remembered

    @classmethod
    def new(cls, decider: Decider[S, Any], aggregate_id: str) -> "Aggregate[S]":
        """Return an aggregate without events."""
        return cls(decider.initial(aggregate_id), 0, RememberedCommands())


class PageLoader(Generic[S]):
    """Loads aggregates of one store as of their last page."""

    def __init__(self, *, engine: Engine, codec: EventCodec, decider: Decider[S, Any]) -> None:
        self._pages = PageReader(engine, codec)
        self._states = PageStates(decider, self._pages)

    def load(self, aggregate_id: str, *, through_seq: int) -> Aggregate[S] | None:
        """Return an aggregate as its pages leave it, None when it has none; the journal goes through `through_seq`."""
        pages = self._last_pages(aggregate_id)
        if not pages:
            return None
        final = pages[-1]
        return Aggregate(self._states.after(final), final.last_version, _commands_of(pages, through_seq))

    def _last_pages(self, aggregate_id: str) -> list[Page]:
        """Return the last pages, oldest first: as many as hold the commands that are to be remembered."""
        pages: list[Page] = []
        commands = 0
        page = self._pages.last(aggregate_id)
        oldest = 0 if page is None else page.last_timestamp - REMEMBERED_SECONDS * 1_000_000
        while page is not None and (commands < REMEMBERED_COMMANDS_MIN or page.last_timestamp >= oldest):
            pages.append(page)
            commands += page.commit_count
            if page.first_version == 1:
                break
            page = self._pages.last(aggregate_id, version=page.first_version - 1)
        return pages[::-1]


def _commands_of(pages: list[Page], through_seq: int) -> RememberedCommands:
    remembered = RememberedCommands()
    for page in pages:
        for command in page.commands():
            remembered.remember_paged(command.command_id, version=command.version, through_seq=through_seq)
    return remembered
