import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import pytest

from market.calendar import OutsideCalendar, day_index
from market.replay_file import (
    FILE_NAME,
    NoReplay,
    TooManySegments,
    UnreadableReplayFile,
    change_replay,
    open_replay,
    read_replay,
)

START = date(2019, 1, 2)
SECOND_US = 1_000_000


def open_at(data_dir, now_us, *, seconds_per_day=120, start_date=START):
    return open_replay(data_dir=data_dir, seconds_per_day=seconds_per_day, start_date=start_date, now_us=now_us)


def test_a_restart_goes_on_where_the_replay_would_be(tmp_path):
    first = open_at(tmp_path, 10 * SECOND_US)
    again = open_at(tmp_path, 500 * SECOND_US)
    assert first == again
    assert again.position(500 * SECOND_US).day_index == day_index(START) + 4


def test_processes_that_start_together_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        clocks = {clock.segments for clock in pool.map(lambda n: open_at(tmp_path, n * SECOND_US), range(1, 40))}
    assert len(clocks) == 1


def test_another_speed_keeps_the_day_and_the_step(tmp_path):
    now_us = 1_000 * SECOND_US

    def place(clock):
        position = clock.position(now_us)
        return position.day_index, position.phase, position.step

    before = place(open_at(tmp_path, 0))
    assert place(open_at(tmp_path, now_us, seconds_per_day=30)) == before
    assert place(open_at(tmp_path, now_us, seconds_per_day=86_400)) == before


@pytest.mark.parametrize(
    "change", [{"seconds_per_day": 120}, {"seconds_per_day": 86_400}, {"start_date": date(2020, 1, 2)}]
)
@pytest.mark.parametrize("seconds", [5 * 1_200 + 600, 5 * 1_200 + 1_150])
def test_the_latest_close_is_what_it_was_until_the_next_session_closes(tmp_path, change, seconds):
    """At 600 s of 1,200 the session is open, at 1,150 s it is closed."""
    now_us = seconds * SECOND_US
    known = open_at(tmp_path, 0, seconds_per_day=1_200).position(now_us).closed_at_us
    assert known == (5 * 1_200 + 1_100 - (1_200 if seconds < 7_100 else 0)) * SECOND_US
    clock = open_at(tmp_path, now_us, **{"seconds_per_day": 1_200, **change})
    closes = {}
    seconds_per_day = clock.segments[-1].seconds_per_day
    for later_us in range(now_us, now_us + 2 * seconds_per_day * SECOND_US, SECOND_US * seconds_per_day // 100):
        position = clock.position(later_us)
        assert position.closed_at_us <= later_us
        closes.setdefault(position.closed_at_us, (later_us, position.phase))
    (first, *others) = closes.items()
    assert first[0] == known
    assert [phase for _, (_, phase) in others] == ["CLOSED"] * len(others)
    assert len(others) == 2
    assert all(closed_at > now_us for closed_at, _ in others)
    assert open_at(tmp_path, now_us + SECOND_US, **{"seconds_per_day": 1_200, **change}) == clock


def test_changes_one_after_the_other_keep_the_latest_close(tmp_path):
    open_at(tmp_path, 0, seconds_per_day=1_200)
    for number, seconds_per_day in enumerate((600, 120, 2_400, 60)):
        now_us = (5 * 1_200 + 600 + number) * SECOND_US
        clock = open_at(tmp_path, now_us, seconds_per_day=seconds_per_day)
        assert clock.position(now_us).closed_at_us == (4 * 1_200 + 1_100) * SECOND_US


def test_another_start_date_begins_again(tmp_path):
    open_at(tmp_path, 0)
    moved = open_at(tmp_path, 777 * SECOND_US, start_date=date(2020, 1, 2))
    assert moved.segments[-1].from_us == 777 * SECOND_US
    assert moved.position(777 * SECOND_US).day_index == day_index(date(2020, 1, 2))


def test_the_replay_ends_with_the_data_and_begins_again(tmp_path):
    clock = open_at(tmp_path, 0, start_date=date(2022, 12, 27), seconds_per_day=10)
    found = [clock.position(n * 10 * SECOND_US).day_index for n in range(4)]
    first = day_index(date(2022, 12, 27))
    assert found == [first, first + 1, first, first + 1]


SEGMENT = (
    '{"from_us": 1, "place": 0, "seconds_per_day": 120, "is_paused": false, "start_date": "2019-01-02", "actor": "", '
    '"reason": ""}'
)
WHOLE = '{"settings": {"seconds_per_day": 120, "start_date": "2019-01-02"}, "segments": [%s]}'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '{"epoch_us": 1, "seconds_per_day": 120, "start_date": "2019-01-02"}',
        WHOLE % "",
        WHOLE % SEGMENT.replace('"from_us": 1', '"from_us": "1"'),
        WHOLE % SEGMENT.replace("120", "0"),
        WHOLE % SEGMENT.replace("2019", "2190"),
        WHOLE % (SEGMENT.replace('"from_us": 1', '"from_us": 2') + ", " + SEGMENT),
    ],
)
def test_an_unusable_file_is_named_and_left_alone(tmp_path, content):
    path = tmp_path / FILE_NAME
    path.write_text(content)
    with pytest.raises(UnreadableReplayFile, match=f"{FILE_NAME}.*remove it"):
        open_at(tmp_path, 5)
    assert path.read_text() == content


def test_a_start_date_that_cannot_be_replayed_is_refused(tmp_path):
    with pytest.raises(OutsideCalendar, match="2015-01-05 or later"):
        open_at(tmp_path, 5, start_date=date(2015, 1, 2))
    with pytest.raises(OutsideCalendar, match="outside the data"):
        open_at(tmp_path, 5, start_date=date(2030, 1, 2))
    assert not (tmp_path / FILE_NAME).exists()


def test_the_file_is_readable_by_people(tmp_path):
    open_at(tmp_path, 123)
    assert json.loads((tmp_path / FILE_NAME).read_text()) == {
        "settings": {"seconds_per_day": 120, "start_date": "2019-01-02"},
        "segments": [
            {
                "from_us": 123,
                "place": 0,
                "seconds_per_day": 120,
                "is_paused": False,
                "start_date": "2019-01-02",
                "actor": "platform/settings",
                "reason": "the market ran for the first time",
            }
        ],
    }
    assert read_replay(tmp_path) == open_at(tmp_path, 456)


def change(data_dir, now_us, **fields):
    return change_replay(
        data_dir=data_dir,
        change=lambda segment: replace(segment, **fields),
        actor="user:7",
        reason="a drill",
        now_us=now_us,
    )


def test_a_change_is_recorded_with_who_and_why_and_seen_by_all(tmp_path):
    open_at(tmp_path, 0)
    clock, is_changed = change(tmp_path, 55 * SECOND_US, is_paused=True)
    assert is_changed
    assert read_replay(tmp_path) == clock == open_at(tmp_path, 99 * SECOND_US)
    latest = clock.segments[-1]
    assert (latest.from_us, latest.is_paused, latest.actor, latest.reason) == (55_000_000, True, "user:7", "a drill")
    assert change(tmp_path, 60 * SECOND_US, is_paused=True) == (clock, False), "what it is already is no change"


def test_a_change_made_while_it_runs_outlives_a_restart_until_the_setting_changes(tmp_path):
    open_at(tmp_path, 0)
    change(tmp_path, 10 * SECOND_US, seconds_per_day=600)
    assert open_at(tmp_path, 20 * SECOND_US).segments[-1].seconds_per_day == 600
    assert open_at(tmp_path, 30 * SECOND_US, seconds_per_day=240).segments[-1].seconds_per_day == 240
    change(tmp_path, 40 * SECOND_US, is_paused=True)
    assert open_at(tmp_path, 50 * SECOND_US, seconds_per_day=120).segments[-1].is_paused


def test_a_market_that_never_ran_is_not_changed(tmp_path):
    assert read_replay(tmp_path) is None
    with pytest.raises(NoReplay, match="never ran here"):
        change(tmp_path, 1, is_paused=True)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_change_too_many_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("market.replay_file.SEGMENTS_MAX", 2)
    open_at(tmp_path, 0)
    change(tmp_path, 1, is_paused=True)
    before = read_replay(tmp_path)
    with pytest.raises(TooManySegments, match="remove it"):
        change(tmp_path, 2, is_paused=False)
    assert read_replay(tmp_path) == before
