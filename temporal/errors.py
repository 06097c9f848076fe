"""What can be wrong with a question about the past: each has a stable code and says what to do."""

from typing import ClassVar


class TemporalError(Exception):
    """Base of all of them; the message is a whole sentence for the one who asked."""

    code: ClassVar[str]


class InvalidMoment(TemporalError):
    """Not an instant with a time zone, not a version, both, or a range that ends before it begins."""

    code = "INVALID_MOMENT"


class FutureInstant(TemporalError):
    """An instant that has not come yet: what it will show is not known."""

    code = "FUTURE_INSTANT"


class BeforeOpening(TemporalError):
    """The account did not exist yet."""

    code = "BEFORE_OPENING"


class UnknownAccount(TemporalError):
    """There are no events of such an account."""

    code = "ACCOUNT_NOT_FOUND"


class HistoryDamaged(TemporalError):
    """What is stored is not what was written: it is refused, not shown."""

    code = "HISTORY_DAMAGED"


class HistoryUnavailable(TemporalError):
    """The event store does not answer; try again later."""

    code = "STORE_UNAVAILABLE"


class InvalidLimits(TemporalError):
    """No risk limits, or such as no account can have."""

    code = "INVALID_LIMIT"


class TooManyEvents(TemporalError):
    """More events than one question may go through."""

    code = "TOO_MANY_EVENTS"


class ReplayFailed(TemporalError):
    """A replay could not be finished; nothing was written."""

    code = "REPLAY_FAILED"
