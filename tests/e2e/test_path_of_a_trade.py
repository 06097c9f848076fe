"""One trade through the whole platform: GraphQL in, REST and WebSocket out, the same on every side."""

import csv
import json
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


def live(platform, path, key):
    url = platform.base_url.replace("http", "ws") + path
    return connect(url, additional_headers={"Authorization": f"Bearer {key}"})


def next_of(socket, kind, timeout=10):
    deadline = time.monotonic() + timeout
    while True:
        message = json.loads(socket.recv(timeout=deadline - time.monotonic()))
        if message["type"] == kind:
            return message


def test_a_trade_is_seen_by_rest_at_the_version_that_was_answered(api):
    account_id = api.open()
    trade = api.buy(account_id, quantity=7, price="40.5")
    portfolio = api.get(f"/api/accounts/{account_id}/portfolio", min_version=trade["version"])
    assert portfolio["account"]["cash"] == trade["cashAfter"] == "99716.5000"
    (position,) = portfolio["positions"]
    assert (position["symbol"], position["quantity"], position["avg_cost"]) == ("KO", "7", "40.5000")
    (found,) = api.get(f"/api/accounts/{account_id}/trades")["results"]
    assert (found["trade_id"], found["version"], found["value"]) == (trade["tradeId"], 3, "283.5000")
    (day,) = api.get(f"/api/accounts/{account_id}/daily-pnl")["results"]
    assert (day["trades"], day["volume"], day["realized_pnl"]) == (1, "283.5000", "0.0000")


def test_all_trades_come_as_a_file(platform, api, key):
    account_id = api.open()
    for quantity in (1, 2, 3):
        version = api.buy(account_id, quantity=quantity)["version"]
    api.get(f"/api/accounts/{account_id}", min_version=version)
    answer = httpx.get(
        f"{platform.base_url}/api/accounts/{account_id}/trades.csv", headers={"Authorization": f"Bearer {key}"}
    )
    assert (answer.status_code, answer.headers["X-Row-Count"]) == (200, "3")
    assert [row["quantity"] for row in csv.DictReader(answer.text.splitlines())] == ["1", "2", "3"]


def test_a_websocket_gives_a_snapshot_then_each_change_with_its_versions(platform, api, key):
    account_id = api.open()
    api.get(f"/api/accounts/{account_id}", min_version=2)
    with live(platform, f"/ws/accounts/{account_id}", key) as socket:
        snapshot = next_of(socket, "snapshot")
        assert (snapshot["version"], snapshot["positions"], snapshot["trades"]) == (2, [], [])
        assert snapshot["account"]["role"] == "owner"
        version = 2
        for quantity in (1, 2, 3):
            api.buy(account_id, quantity=quantity)
            delta = next_of(socket, "delta")
            assert (delta["from_version"], delta["version"]) == (version, version + 1)
            version += 1
            assert [trade["quantity"] for trade in delta["trades"]] == [str(quantity)]
        assert delta["positions"][0]["quantity"] == "6"
        socket.send(json.dumps({"type": "resync"}))
        assert next_of(socket, "snapshot")["version"] == version


def test_a_stranger_sees_nothing(platform, api):
    account_id = api.open()
    stranger = platform.api_key("stranger")
    headers = {"Authorization": f"Bearer {stranger}"}
    answer = httpx.get(f"{platform.base_url}/api/accounts/{account_id}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert httpx.get(f"{platform.base_url}/api/accounts").status_code == 401
    for key, code in ((stranger, 4404), ("tp_wrong", 4401)):
        with live(platform, f"/ws/accounts/{account_id}", key) as socket, pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd.code == code


def test_the_market_is_quoted_and_says_that_it_is_simulated(platform, api, key):
    market = api.get("/api/market")
    assert market["session"]["simulated"] is True
    assert len(market["instruments"]) == 20
    with live(platform, "/ws/market", key) as socket:
        assert len(next_of(socket, "snapshot")["instruments"]) == 20
        assert next_of(socket, "tick")["prices"]


def test_the_openapi_document_and_its_page_are_served(platform):
    with httpx.Client(base_url=platform.base_url) as http:
        assert "/api/accounts/{account_id}/portfolio" in http.get("/api/schema").text
        assert http.get("/api/docs").status_code == 200
        assert http.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css").status_code == 200


def test_the_same_command_before_and_after_a_restart_of_the_writer_is_one_event(platform, api):
    account_id = api.open()
    first = api.buy(account_id, commandId="once")
    assert api.buy(account_id, commandId="once") == first
    platform.kill("writer")
    platform.start("writer")
    assert api.buy(account_id, commandId="once") == first
    assert api.buy(account_id)["version"] == first["version"] + 1
