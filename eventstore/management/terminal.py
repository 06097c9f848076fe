"""What commands read and write: instants (ISO 8601, in UTC where no time zone is given), files, and a progress bar."""

import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from eventstore.errors import ArchiveError
from eventstore.record import instant_of, microseconds


def write_proof(command: BaseCommand, proof: dict[str, Any], path: Path | None, *, what: str) -> None:
    """Write a proof to a file and say so, or to the terminal without one; raises CommandError."""
    text = msgspec.json.format(msgspec.json.encode(proof)).decode()
    if path is not None:
        try:
            path.write_text(text + "\n")
        except OSError as error:
            raise CommandError(f"cannot write {path}: {error.strerror}; name another file with --output") from error
    command.stdout.write(text if path is None else f"{what}: {path}")


def batches_progress(doing: str, *more: ProgressColumn) -> Progress:
    """Return a bar that counts batches: on standard error, gone when it is done, so that the output stays clean."""
    columns = (
        SpinnerColumn(),
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("batches"),
        *more,
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


def parse_instant(text: str) -> int:
    """Return UTC microseconds; a date alone is its midnight, no time zone is UTC. Raises ArchiveError."""
    try:
        parsed = datetime.datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=datetime.UTC)
        return microseconds(parsed)
    except (ValueError, OverflowError) as error:
        raise ArchiveError(
            f"{text!r} is not an instant ({error}): write 2019-01-31, or 2019-01-31T17:30:00, or with a time zone "
            "2019-01-31T17:30:00+01:00"
        ) from error


def parse_past_instant(text: str, *, option: str, now: int) -> int:
    """Return UTC microseconds that are not past `now`; raises ArchiveError naming the command's option."""
    at = parse_instant(text)
    if at > now:
        raise ArchiveError(f"{option} {show_instant(at)} is in the future: name an instant that has passed")
    return at


def show_instant(at: int) -> str:
    """Return UTC microseconds as text, as short as is exact."""
    shown = instant_of(at)
    if shown.time() == datetime.time():
        return f"{shown:%Y-%m-%d} 00:00 UTC"
    return f"{shown:%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".") + " UTC"
