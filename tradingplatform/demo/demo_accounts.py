"""The file DATA_DIR/demo.json: which demo accounts trade, by which strategy, with which API key, and where.

    {"web_url": "http://127.0.0.1:8000",
     "accounts": [{"account_id": "...", "name": "...", "strategy": "momentum", "api_key": "..."}]}

`manage.py load_demo` writes it. This module only reads it, and refuses what it cannot use.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tradingplatform.demo.strategies.catalogue import STRATEGIES

FILE_NAME: Final = "demo.json"


class UnusableDemoFile(Exception):
    """The file is there and cannot be used; the message says which part of it and what to do."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One account and the key that may trade on it; the key is never shown."""

    account_id: str
    name: str
    strategy: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DemoFile:
    """The accounts, and the address of the web server that load_demo knew of."""

    web_url: str
    accounts: tuple[DemoAccount, ...]


def read_demo_file(path: Path) -> DemoFile:
    """Read the file; raises FileNotFoundError while there is none, and `UnusableDemoFile`."""
    try:
        return _parse(json.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableDemoFile(
            f"{path} is not what load_demo writes ({error!r}); remove it and run manage.py load_demo"
        ) from error


def _parse(content: dict[str, Any]) -> DemoFile:
    accounts = tuple(
        DemoAccount(
            account_id=str(each["account_id"]),
            name=str(each["name"]),
            strategy=str(each["strategy"]),
            api_key=str(each["api_key"]),
        )
        for each in content["accounts"]
    )
    for account in accounts:
        if account.strategy not in STRATEGIES:
            raise ValueError(
                f"account {account.name!r} has the strategy {account.strategy!r}; known: {', '.join(STRATEGIES)}"
            )
    return DemoFile(web_url=str(content["web_url"]), accounts=accounts)
