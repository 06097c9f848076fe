"""kill -9 of the real processes under load: nothing acknowledged is lost, nothing is doubled, the read models catch
up.
"""

import re

from eventstore.tests.sqlite_file import sqlite_file
from tests.e2e.client import Load, assert_each_once, open_sqlite_store, wait_until_reconciled


def test_kill_9_of_the_writer_the_web_server_and_the_projector_under_load(platform, api, key):
    account_ids = [api.open() for _ in range(3)]
    with Load(platform.base_url, key, account_ids) as load:
        load.wait_for(100)
        for _ in range(2):
            platform.kill("writer")
            platform.start("writer")
            load.wait_for(50)
        platform.kill("web")
        platform.start("web")
        load.wait_for(50)
        platform.kill("projector")
        platform.kill("snapshotter")
        load.wait_for(50)
        platform.start("projector", "snapshotter")
        platform.kill("writer")
        platform.kill("web")
        platform.start("writer", "web")
        load.wait_for(50)
    assert load.retries > 0, "the kills hit nothing"
    with sqlite_file(platform.data_dir / "events" / "pages.sqlite3") as pages:
        assert pages.execute("SELECT count(*) FROM page").fetchone()[0] > 0, "the writer never started from pages"
    assert_each_once(load, open_sqlite_store(platform.data_dir))
    printed = wait_until_reconciled(platform)
    assert "account_summary" in printed
    assert "the read models equal the" in printed


def test_a_stored_row_that_is_changed_by_hand_is_found(platform, api):
    account_id = api.open()
    api.buy(account_id)
    wait_until_reconciled(platform)
    changed = (("portfolio_positions", "quantity"), ("account_summary", "cash"), ("trade_history", "price"))

    def change(by):
        for table, column in changed:
            platform.query(f"UPDATE {table} SET {column} = {column} + %s WHERE account_id = %s", by, account_id)

    change(1)
    done = platform.manage("reconcile")
    assert done.returncode == 1
    for table, column in changed:
        assert re.search(rf"{table} {account_id}.* {column} should be", done.stdout), done.stdout
    change(-1)
    wait_until_reconciled(platform)
