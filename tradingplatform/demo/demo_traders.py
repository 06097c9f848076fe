"""All demo accounts in one process: waits for demo.json, then runs one trader for each account beside one
market watch.
"""

import asyncio
from pathlib import Path
from typing import Final

import structlog

from tradingplatform.demo.demo_accounts import DemoFile, read_demo_file
from tradingplatform.demo.market_watch import MarketWatch
from tradingplatform.demo.platform_client import PlatformClient
from tradingplatform.demo.trader import Trader

FILE_CHECK_S: Final = 1.0

log = structlog.get_logger(__name__)


async def run_demo_traders(*, demo_path: Path, web_url: str | None) -> None:
    """Trade on every account of the file at `demo_path`, at `web_url` or else at the address in the file."""
    demo = await _wait_for_file(demo_path)
    if not demo.accounts:
        log.warning("demo_traders.no_accounts", path=str(demo_path))
        return
    client = PlatformClient(web_url=web_url or demo.web_url)
    market = MarketWatch(client=client, api_key=demo.accounts[0].api_key)
    traders = [Trader(account=account, client=client, market=market) for account in demo.accounts]
    log.info("demo_traders.started", accounts=len(traders), web_url=client.web_url)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(market.run())
            for trader in traders:
                group.create_task(trader.run())
    finally:
        await client.close()
        log.info("demo_traders.stopped")


async def _wait_for_file(path: Path) -> DemoFile:
    is_announced = False
    while not path.exists():
        if not is_announced:
            log.info("demo_traders.waiting_for_file", path=str(path), written_by="manage.py load_demo")
            is_announced = True
        await asyncio.sleep(FILE_CHECK_S)
    return read_demo_file(path)
