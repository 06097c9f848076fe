"""The stored form of account events: which types the journal may hold, and how old schema versions become current
ones.
"""

from typing import Final, get_args

from accounts.domain.events import AccountEvent
from eventstore.serialization.codec import EventCodec, Upcaster

UPCASTERS: Final[dict[type, Upcaster]] = {}


def account_codec() -> EventCodec:
    """Return the codec of every stored account event, old versions included."""
    return EventCodec([*get_args(AccountEvent), *UPCASTERS], UPCASTERS)
