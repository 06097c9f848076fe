"""Every limit of the writer, with its unit. At a limit the writer refuses or stops; it never drops."""

from typing import Final

CONFLICT_TRIES_MAX: Final = 50
"""How often a group is decided again after other writers took its place, before its callers get an error."""

CONFLICT_PAUSE_MS_MAX: Final = 20
"""The longest pause before such a try; the real one is random, so that writers do not march in step."""

UNKNOWN_TRIES_MAX: Final = 5
"""How often a write whose answer was lost is looked up, and sent again if it did not happen."""

HELD_BYTES_MAX: Final = 2_000_000_000
"""Memory of the aggregates that a writer holds, each partition an equal share; past it those are let go that were not
asked for the longest, as far as they are in pages."""

LET_GO_AT_ONCE: Final = 64
"""Aggregates of a partition that are let go after a group, besides as many as it added."""

LOOK_FOR_PAGES_BATCHES: Final = 16
"""Batches of a partition between two looks how far its pages go, while no aggregate may be let go."""

REREAD_BATCHES_KEPT: Final = 32
"""Batches that are kept decoded for callers that ask again."""
