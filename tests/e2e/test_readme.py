"""The README's first commands, sent as they are written there."""

import json
import re

import httpx

from tests.services.platform import BASE_DIR

BODY = re.compile(r"-d '(\{.*?\}+)'\n", re.DOTALL)


def test_the_first_commands_of_the_readme_do_what_it_says(platform):
    key = platform.api_key("alice")
    readme = (BASE_DIR / "README.md").read_text()
    section = readme[readme.index("## A first command with curl") : readme.index("## Do not trust it")]
    bodies = BODY.findall(section)
    assert len(bodies) == 3
    answers = []
    with httpx.Client(base_url=platform.base_url, headers={"Authorization": f"Bearer {key}"}) as http:
        account_id = ""
        for body in bodies:
            sent = json.loads(body.replace("'$ACCOUNT'", account_id))
            answers.append(http.post("/graphql", json=sent).json()["data"])
            account_id = account_id or answers[0]["openAccount"]["accountId"]
        (path,) = re.findall(r'http://127\.0\.0\.1:8000(/api/accounts/\S+)"', section)
        portfolio = http.get(path.replace("$ACCOUNT", account_id)).json()
        again = http.post("/graphql", json=sent).json()["data"]
        sent["variables"]["t"] |= {"quantity": 1000, "commandId": "too-much"}
        refused = http.post("/graphql", json=sent).json()["data"]["executeTrade"]
    assert answers[1]["depositCash"] == {"version": 2, "cashAfter": "10000.0000"}
    assert answers[2]["executeTrade"]["__typename"] == "TradeExecuted"
    assert portfolio["account"]["cash"] == answers[2]["executeTrade"]["cashAfter"] == "9545.0000"
    assert again == answers[2]
    assert (refused["__typename"], refused["code"]) == ("CommandRefused", "INSUFFICIENT_FUNDS")
    assert (refused["limit"], refused["actual"]) == ("9545.0000", "45500.0000")
