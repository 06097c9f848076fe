"""Files that commands write."""

from pathlib import Path

from django.core.management.base import CommandError


def write_output(path: Path, text: str) -> None:
    """Write a file with a text; raises CommandError."""
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}; name another file with --output") from error
