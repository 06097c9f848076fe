"""A circuit breaker: a server that did not answer is left alone for some seconds, and then one caller finds out whether
it is back, so that the others do not wait for it.

It counts no errors and knows no server: whoever asks says whether it was answered. One per server and process.
"""

import threading
import time
from collections.abc import Callable


class Breaker:
    """Whether a server may be asked; may be used from several threads. `clock` gives seconds that never go back."""

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._ask_again_at: float | None = None
        self._lock = threading.Lock()

    @property
    def is_closed(self) -> bool:
        """Tell whether the server answered when it was asked last, as far as anybody said."""
        return self._ask_again_at is None

    def may_ask(self) -> bool:
        """Tell whether to ask the server; while it is away, one caller every so many seconds is told so."""
        with self._lock:
            if self._ask_again_at is None:
                return True
            now = self._clock()
            if now < self._ask_again_at:
                return False
            self._ask_again_at = now + self._seconds
            return True

    def note(self, *, answered: bool) -> bool:
        """Remember whether the server answered; return whether that is a change, which is worth a line in the log."""
        with self._lock:
            was_away = self._ask_again_at is not None
            self._ask_again_at = None if answered else self._clock() + self._seconds
            return answered == was_away
