"""The stored form of accounts: which events the journal may hold, how old schema versions become current ones, and how
the state is written into pages.
"""

from typing import Final, get_args

import msgspec

from accounts.domain.events import AccountEvent
from accounts.domain.state import Account
from eventstore.serialization.codec import EventCodec, Upcaster

UPCASTERS: Final[dict[type, Upcaster]] = {}


def account_codec() -> EventCodec:
    """Return the codec of every stored account event, old versions included."""
    return EventCodec([*get_args(AccountEvent), *UPCASTERS], UPCASTERS)


STATE_VERSION: Final = 2
_encode: Final = msgspec.msgpack.Encoder(order="sorted").encode
_decode: Final = msgspec.msgpack.Decoder(tuple[int, Account]).decode


def dump_account(account: Account) -> bytes:
    """Return an account's state as bytes, the same for equal states: its fields by name, in order of their names."""
    return _encode((STATE_VERSION, account))


def load_account(dumped: bytes) -> Account:
    """Return the account that was dumped; raises ValueError for bytes of another format."""
    try:
        version, account = _decode(dumped)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"the state is not an account ({error})") from error
    if version != STATE_VERSION:
        raise ValueError(f"the state has format {version} and this release reads {STATE_VERSION}")
    return account
