import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from market.calendar import OutsideCalendar, day_index
from market.replay_file import FILE_NAME, UnreadableReplayFile, open_replay

START = date(2019, 1, 2)
SECOND_US = 1_000_000


def open_at(data_dir, now_us, *, seconds_per_day=120, start_date=START):
    return open_replay(data_dir=data_dir, seconds_per_day=seconds_per_day, start_date=start_date, now_us=now_us)


def test_a_restart_goes_on_where_the_replay_would_be(tmp_path):
    first = open_at(tmp_path, 10 * SECOND_US)
    again = open_at(tmp_path, 500 * SECOND_US)
    assert first == again
    assert first.first_day_index == day_index(START)
    assert again.position(500 * SECOND_US).day_index == first.first_day_index + 4


def test_processes_that_start_together_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        clocks = set(pool.map(lambda n: open_at(tmp_path, n * SECOND_US), range(1, 40)))
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
    for later_us in range(
        now_us, now_us + 2 * clock.seconds_per_day * SECOND_US, SECOND_US * clock.seconds_per_day // 100
    ):
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


def test_a_file_of_before_is_read_as_one_that_never_changed(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"epoch_us": 1, "seconds_per_day": 120, "start_date": "2019-01-02"}')
    clock = open_at(tmp_path, 500 * SECOND_US)
    assert (clock.epoch_us, clock.changed_at_us, clock.closed_at_us) == (1, 0, 0)


def test_another_start_date_begins_again(tmp_path):
    open_at(tmp_path, 0)
    moved = open_at(tmp_path, 777 * SECOND_US, start_date=date(2020, 1, 2))
    assert moved.epoch_us == 777 * SECOND_US
    assert moved.position(777 * SECOND_US).day_index == day_index(date(2020, 1, 2))


def test_the_replay_ends_with_the_data_and_begins_again(tmp_path):
    clock = open_at(tmp_path, 0, start_date=date(2022, 12, 27), seconds_per_day=10)
    found = [clock.position(n * 10 * SECOND_US).day_index for n in range(4)]
    first = day_index(date(2022, 12, 27))
    assert found == [first, first + 1, first, first + 1]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        '{"epoch_us": "1", "seconds_per_day": 120, "start_date": "2019-01-02"}',
        '{"epoch_us": 1, "seconds_per_day": 0, "start_date": "2019-01-02"}',
        '{"epoch_us": 1, "seconds_per_day": 120, "start_date": "2019-01-02", "changed_at_us": 1, "closed_at_us": null}',
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
        "epoch_us": 123,
        "seconds_per_day": 120,
        "start_date": "2019-01-02",
        "changed_at_us": 0,
        "closed_at_us": 0,
    }
