"""Ways to open a store in another process, which knows nothing of Django."""

import os
import signal

from accounts.codec import account_codec
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore


def open_at(folder):
    return EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=4)


def cannot_open():
    raise OSError("the disk is away")


def die():
    os.kill(os.getpid(), signal.SIGKILL)
