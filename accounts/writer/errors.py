"""The platform's own answers to a command that the domain never judged."""

from enum import StrEnum


class SystemCode(StrEnum):
    """Stable codes of the platform; clients rely on them."""

    CLOCK_UNTRUSTED = "CLOCK_UNTRUSTED"
    CONFLICT = "CONFLICT"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    OVERLOADED = "OVERLOADED"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
