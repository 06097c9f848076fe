"""Every limit of the writer, with its unit. At a limit the writer refuses or stops; it never drops."""

from typing import Final

CONFLICT_TRIES_MAX: Final = 50
"""How often a group is decided again after other writers took its place, before its callers get an error."""

CONFLICT_PAUSE_MS_MAX: Final = 20
"""The longest pause before such a try; the real one is random, so that writers do not march in step."""

UNKNOWN_TRIES_MAX: Final = 5
"""How often a write whose answer was lost is looked up, and sent again if it did not happen."""

REREAD_BATCHES_KEPT: Final = 32
"""Batches that are kept decoded for callers that ask again."""
