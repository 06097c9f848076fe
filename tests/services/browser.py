"""The headless Chromium of the end-to-end tests: from npm, unpacked once, driven by Playwright."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

BASE_DIR = Path(__file__).resolve().parent.parent.parent
CACHE = BASE_DIR / ".cache" / "browser"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def launch_browser() -> Iterator[Browser]:
    """Start Chromium, end it with the block."""
    CACHE.mkdir(parents=True, exist_ok=True)
    unpacked = subprocess.run(
        [BASE_DIR / ".venv" / "node" / "node", BASE_DIR / "tests" / "browser" / "unpack.mjs"],
        env={**os.environ, "TMPDIR": str(CACHE)},
        capture_output=True,
        text=True,
        check=True,
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=json.loads(unpacked.stdout)["path"], args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
