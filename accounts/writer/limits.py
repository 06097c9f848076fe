"""Every limit of the command bus and the writer process, with its unit."""

from typing import Final

QUEUED_COMMANDS_MAX: Final = 50_000
"""Commands that wait in one writer; past it a request is answered OVERLOADED at once."""

GROUP_COMMANDS_MAX: Final = 5_000
"""Commands that are decided and written together, at most; how many goes by the time that they take (lanes.Pace)."""

BULK_COMMANDS_MIN: Final = 100
"""Bulk commands that a group takes however slow they are."""

DECIDING_SECONDS_WHILE_SINGLES_WAIT: Final = 0.003
"""Time that the bulk commands of a group may take that has single ones in it."""

DECIDING_SECONDS_MIN: Final = 0.005
"""Time that the bulk commands of a group may take when nobody else waits; a single command that comes meanwhile waits
for the group's end. As long as the group before took to be written, where that is longer ..."""

DECIDING_SECONDS_MAX: Final = 0.100
"""... and at most this."""

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
STANDBY_LOOK_SECONDS: Final = 0.02
"""How often a standby looks whether the writer before it is gone."""

NOTIFY_PAUSE_SECONDS: Final = 0.02
"""The shortest time between two notifications of the projections."""

NOTIFYING_SHARE_MAX: Final = 0.05
"""The share of the writer's time that notifying may take."""

METRICS_LOG_SECONDS: Final = 60
"""How often a writer logs what it did, if it did anything."""
