"""Every limit of the command bus and the writer process, with its unit."""

from typing import Final

QUEUED_COMMANDS_MAX: Final = 50_000
"""Commands that wait in one writer; past it a request is answered OVERLOADED at once."""

GROUP_COMMANDS_MAX: Final = 1_000
"""Commands that are decided and written together."""

BULK_COMMANDS_WHILE_SINGLES_WAIT: Final = 400
"""Bulk commands that may join a group that has single ones in it: about 5 ms of deciding."""

REQUEST_COMMANDS_MAX: Final = 10_000
"""Commands in one request."""

OVERLOADED_RETRY_AFTER_MS: Final = 200
COMMAND_DEADLINE_SECONDS: Final = 8.0
"""How long a caller asks before it answers OUTCOME_UNKNOWN."""

RESEND_SECONDS: Final = 0.4
"""How long a caller waits for a silent writer before it asks again with the same command ids."""

REMEMBERED_REPLIES: Final = 512
"""Replies that a writer keeps, to give them again to a caller that asks again."""

POLL_MS: Final = 100
NOTIFY_PAUSE_SECONDS: Final = 0.02
"""The shortest time between two notifications of the projections."""
