"""Where a replay's segments are kept: DATA_DIR/market_replay.json, written only when something changes.

Whoever opens it first writes it, under a lock, so that two processes that start together agree. It ends with the
segment of now; every change of it (paused, resumed, another speed, a setting that changed) adds one that says who
wanted it and why, and nothing is taken away: the file is the record. Another speed keeps the day and step that the
replay has reached, another start date begins again at that day. A change made while it runs outlives a restart: a
setting counts again when it is set to something else. An unreadable file is an error that names it, never silently a
new beginning.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from market.calendar import OutsideCalendar, first_index_from, trading_days
from market.replay import ReplayClock, ReplaySegment, check_seconds_per_day

FILE_NAME: Final = "market_replay.json"
SEGMENTS_MAX: Final = 10_000
SETTINGS_ACTOR: Final = "platform/settings"


class UnreadableReplayFile(Exception):
    """The file with the segments is there and cannot be used; the message says which file and what to do."""


class TooManySegments(Exception):
    """The replay was changed so often that its file takes no more."""


class NoReplay(Exception):
    """There is no replay yet: the market never ran here."""


@dataclass(frozen=True)
class ReplaySettings:
    """What the settings ask for."""

    seconds_per_day: int
    start_date: date


@dataclass(frozen=True)
class _Replay:
    """What the file holds: the settings as they were last seen, and the segments."""

    settings: ReplaySettings
    segments: tuple[ReplaySegment, ...]


def open_replay(*, data_dir: Path, seconds_per_day: int, start_date: date, now_us: int) -> ReplayClock:
    """Return the clock of the replay, the one that there was or one that begins now; follow settings that changed.

    Raises ValueError, OutsideCalendar and UnreadableReplayFile.
    """
    check_seconds_per_day(seconds_per_day)
    if first_index_from(start_date) == 0:
        raise OutsideCalendar(
            f"{start_date} cannot start the replay: the data begin on {trading_days()[0]} and a day needs "
            f"the close of the day before; set MARKET_START_DATE to {trading_days()[1]} or later"
        )
    wanted = ReplaySettings(seconds_per_day, start_date)
    data_dir.mkdir(parents=True, exist_ok=True)
    with _locked(data_dir) as path:
        stored = _read(path) if path.exists() else None
        replay = _begun(wanted, now_us) if stored is None else _following(stored, wanted, now_us)
        if replay != stored:
            _write(path, replay)
    return ReplayClock(replay.segments)


def read_replay(data_dir: Path) -> ReplayClock | None:
    """Return the clock as the file has it now, None when the market never ran here; raises UnreadableReplayFile."""
    path = data_dir / FILE_NAME
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _clock(path, status.st_mtime_ns, status.st_ino)


def change_replay(
    *, data_dir: Path, change: Callable[[ReplaySegment], ReplaySegment], actor: str, reason: str, now_us: int
) -> tuple[ReplayClock, bool]:
    """Let the replay go on from now as `change` makes it of the segment of now; return its clock, and whether anything
    changed. Raises NoReplay, TooManySegments and UnreadableReplayFile.
    """
    if not (data_dir / FILE_NAME).exists():
        raise NoReplay(f"the market never ran here: {data_dir / FILE_NAME} is not there; start manage.py run_market")
    with _locked(data_dir) as path:
        stored = _read(path)
        replay = _gone_on(stored, change, actor=actor, reason=reason, now_us=now_us)
        if replay != stored:
            _write(path, replay)
    return ReplayClock(replay.segments), replay != stored


def _begun(wanted: ReplaySettings, now_us: int) -> _Replay:
    first = ReplaySegment(
        from_us=now_us,
        place=0,
        seconds_per_day=wanted.seconds_per_day,
        is_paused=False,
        start_date=wanted.start_date,
        actor=SETTINGS_ACTOR,
        reason="the market ran for the first time",
    )
    return _Replay(wanted, (first,))


def _following(stored: _Replay, wanted: ReplaySettings, now_us: int) -> _Replay:
    """Return the replay that the settings ask for, given the one that there was."""

    def change(segment: ReplaySegment) -> ReplaySegment:
        if stored.settings.seconds_per_day != wanted.seconds_per_day:
            segment = replace(segment, seconds_per_day=wanted.seconds_per_day)
        if stored.settings.start_date != wanted.start_date:
            segment = replace(segment, start_date=wanted.start_date, place=0)
        return segment

    changed = _gone_on(stored, change, actor=SETTINGS_ACTOR, reason="the settings changed", now_us=now_us)
    return replace(changed, settings=wanted)


def _gone_on(
    stored: _Replay, change: Callable[[ReplaySegment], ReplaySegment], *, actor: str, reason: str, now_us: int
) -> _Replay:
    latest = stored.segments[-1]
    from_us = max(now_us, latest.from_us)
    unchanged = replace(latest, from_us=from_us, place=latest.place_at(from_us))
    changed = change(unchanged)
    if changed == unchanged:
        return stored
    if len(stored.segments) >= SEGMENTS_MAX:
        raise TooManySegments(
            f"the replay was changed {SEGMENTS_MAX:,} times, and {FILE_NAME} takes no more: remove it to begin anew"
        )
    return replace(stored, segments=(*stored.segments, replace(changed, actor=actor, reason=reason)))


@contextmanager
def _locked(data_dir: Path) -> Iterator[Path]:
    path = data_dir / FILE_NAME
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


@lru_cache(maxsize=4)
def _clock(path: Path, modified_ns: int, inode: int) -> ReplayClock:
    return ReplayClock(_read(path).segments)


def _read(path: Path) -> _Replay:
    try:
        replay = msgspec.json.decode(path.read_bytes(), type=_Replay, strict=True)
        starts = [segment.from_us for segment in replay.segments]
        if not starts or starts != sorted(starts):
            raise ValueError("segments are one or more, oldest first")
        for segment in replay.segments:
            check_seconds_per_day(segment.seconds_per_day)
            first_index_from(segment.start_date)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise UnreadableReplayFile(
            f"{path} does not hold the replay's segments ({error}); remove it to start the replay anew"
        ) from error
    return replay


def _write(path: Path, replay: _Replay) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(replay), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
