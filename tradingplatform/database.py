"""Connections to PostgreSQL that wait for an answer for so long and no longer.

PostgreSQL's own limits are kept by the server, and a server that hangs keeps none: without this, whoever asks it waits
until it goes on. A connection that was not answered is closed, for its next answer would be to an old question.
"""

from typing import Any, ClassVar

import psycopg
from psycopg.abc import RV, PQGen


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that raises OperationalError after `answer_seconds_max` without an answer.

    None, as it is unless a process says otherwise, means to wait: a rebuild's statements may take minutes. The web
    process, where somebody waits for each, sets it (asgi.py).
    """

    answer_seconds_max: ClassVar[float | None] = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Wait for an answer."""
        if timeout is not None or self.answer_seconds_max is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds_max)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer for {self.answer_seconds_max:g} s") from error
