"""A row of the read models that is not what the events make of it is found."""

import re

from tests.e2e.client import wait_until_reconciled


def test_a_stored_row_that_is_changed_by_hand_is_found(platform, api):
    account_id = api.open()
    api.buy(account_id)
    api.place(account_id)  # While an order works, stored positions follow at once.
    wait_until_reconciled(platform)
    changed = (("portfolio_positions", "quantity"), ("account_summary", "cash"), ("trade_history", "price"))

    def change(by):
        for table, column in changed:
            stored = table.replace("portfolio", "stored").replace("trade_history", "trades")
            platform.query(f"UPDATE {stored} SET {column} = {column} + %s WHERE account_id = %s", by, account_id)

    change(1)
    done = platform.manage("reconcile")
    assert done.returncode == 1
    for table, column in changed:
        assert re.search(rf"{table} {account_id}.* {column} should be", done.stdout), done.stdout
    change(-1)
    wait_until_reconciled(platform)
