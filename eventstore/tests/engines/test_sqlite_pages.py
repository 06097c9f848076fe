"""What SQLite does for a page: the cost of a look-up does not depend on how old the instant is."""

from eventstore.engines.sqlite import SQLiteEngine
from eventstore.engines.sqlite.pages import _LAST_BY_TIME, _SELECT
from eventstore.tests.test_engines import METADATA


def test_a_page_is_found_by_its_time_without_looking_at_later_ones(tmp_path):
    engine = SQLiteEngine(tmp_path)
    engine.open(METADATA)
    connection = engine._pages._database.connection()
    steps = connection.execute(
        f"EXPLAIN QUERY PLAN {_SELECT} AND first_timestamp <= ? {_LAST_BY_TIME}", ("a", 1)
    ).fetchall()
    assert [step[3] for step in steps] == ["SEARCH page USING INDEX page_time (aggregate_id=? AND first_timestamp<?)"]
    engine.close()
