"""Where a replay's epoch is kept: DATA_DIR/market_replay.json, written once and then only when the settings
change.

Whoever opens it first writes it, under a lock, so that two processes that start together agree. Another speed
in the settings keeps the day and step that the replay has reached; another start date begins again. Either
way the file keeps when the latest session closed, in real time: by the new clock alone that would be another
instant, and orders of the session that is open would be over. An unreadable file is an error that names it,
never silently a new epoch.
"""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Final

from market.calendar import OutsideCalendar, first_index_from, trading_days
from market.replay import ReplayClock, check_seconds_per_day, epoch_after_speed_change

FILE_NAME: Final = "market_replay.json"


class UnreadableReplayFile(Exception):
    """The file with the epoch is there and cannot be used; the message says which file and what to do."""


@dataclass(frozen=True, slots=True)
class _Replay:
    epoch_us: int
    seconds_per_day: int
    start_date: str
    changed_at_us: int = 0
    closed_at_us: int = 0

    def clock(self, first_day_index: int) -> ReplayClock:
        return ReplayClock(
            epoch_us=self.epoch_us,
            seconds_per_day=self.seconds_per_day,
            first_day_index=first_day_index,
            day_count=len(trading_days()) - first_day_index,
            changed_at_us=self.changed_at_us,
            closed_at_us=self.closed_at_us,
        )


def open_replay(*, data_dir: Path, seconds_per_day: int, start_date: date, now_us: int) -> ReplayClock:
    """Return the replay's clock; on the first call in this data directory the replay begins at `now_us`."""
    check_seconds_per_day(seconds_per_day)
    first_day_index = first_index_from(start_date)
    if first_day_index == 0:
        raise OutsideCalendar(
            f"{start_date} cannot start the replay: the data begin on {trading_days()[0]} and a day needs "
            f"the close of the day before; set MARKET_START_DATE to {trading_days()[1]} or later"
        )
    replay = _read_and_adjust(data_dir=data_dir, seconds_per_day=seconds_per_day, start_date=start_date, now_us=now_us)
    return replay.clock(first_day_index)


def _read_and_adjust(*, data_dir: Path, seconds_per_day: int, start_date: date, now_us: int) -> _Replay:
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / FILE_NAME
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stored = _read(path) if path.exists() else None
        wanted = _wanted(stored, seconds_per_day=seconds_per_day, start_date=start_date.isoformat(), now_us=now_us)
        if wanted != stored:
            _write(path, wanted)
    return wanted


def _wanted(stored: _Replay | None, *, seconds_per_day: int, start_date: str, now_us: int) -> _Replay:
    """Return the replay that the settings ask for, given the one that there was."""
    if stored is None:
        return _Replay(epoch_us=now_us, seconds_per_day=seconds_per_day, start_date=start_date)
    if (stored.seconds_per_day, stored.start_date) == (seconds_per_day, start_date):
        return stored
    epoch_us = now_us
    if stored.start_date == start_date:
        epoch_us = epoch_after_speed_change(
            epoch_us=stored.epoch_us,
            old_seconds=stored.seconds_per_day,
            new_seconds=seconds_per_day,
            now_us=now_us,
        )
    return _Replay(
        epoch_us=epoch_us,
        seconds_per_day=seconds_per_day,
        start_date=start_date,
        changed_at_us=now_us,
        closed_at_us=stored.clock(first_day_index=1).position(now_us).closed_at_us,
    )


def _read(path: Path) -> _Replay:
    try:
        replay = _Replay(**json.loads(path.read_bytes()))
        instants = (replay.epoch_us, replay.changed_at_us, replay.closed_at_us)
        if any(type(each) is not int for each in (*instants, replay.seconds_per_day)):
            raise TypeError("seconds_per_day and the instants, whose names end in _us, are integers")
        check_seconds_per_day(replay.seconds_per_day)
    except (OSError, ValueError, TypeError) as error:
        raise UnreadableReplayFile(
            f"{path} does not hold the replay's epoch ({error}); remove it to start the replay anew"
        ) from error
    return replay


def _write(path: Path, replay: _Replay) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(asdict(replay), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
