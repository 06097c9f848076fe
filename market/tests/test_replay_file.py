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
    }
