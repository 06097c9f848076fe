"""Django's sessions in the database; a cookie that cannot be the key of one is not looked up there."""

import re
from typing import Any, Final

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

_KEY: Final = re.compile(r"[0-9a-z]{32}")


class SessionStore(DatabaseSessionStore):
    """A session."""

    def _validate_session_key(self, key: Any) -> bool:
        """Tell whether Django makes such keys: any other text (one with a NUL) may be none that a database can hold."""
        return isinstance(key, str) and _KEY.fullmatch(key) is not None
