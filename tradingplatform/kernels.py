"""`python -m tradingplatform.kernels`: compile what is compiled when it is imported, and show how far that is.

Setup does this, so that no process of the platform has to when it starts. It knows neither Django nor the data folder:
Django's start alone imports most kernels, and what is compiled belongs to the sources, not to data. Where nothing
has changed since, it says nothing.
"""

import importlib
import logging
import re
import sys
import time
from pathlib import Path
from typing import Final

from eventstore.kernels.cache import CannotBeKept, KernelCache

BASE_DIR: Final = Path(__file__).resolve().parent.parent
_HAS_KERNELS: Final = re.compile(r"^\s*@kernel\(", re.MULTILINE)


def kernel_modules(base_dir: Path = BASE_DIR) -> list[str]:
    """Return the modules that have kernels, of every app of the project, those of the event store first."""
    found = []
    for app in base_dir.glob("*/apps.py"):
        for path in app.parent.rglob("*.py"):
            parts = path.relative_to(base_dir).with_suffix("").parts
            if "tests" not in parts and _HAS_KERNELS.search(path.read_text()):
                found.append(".".join(parts))
    return sorted(found, key=lambda name: (not name.startswith("eventstore."), name))


class Progress(logging.Handler):
    """Shows a line for each module that is compiled, with a dot for each of its kernels; warnings as they are."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._module = ""
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Show what the kernels' cache says."""
        if record.levelno > logging.INFO:
            self.end_line()
            print(f"  {record.getMessage()}", flush=True)
            return
        module = record.getMessage().removeprefix("compiling ").rpartition(".")[0]
        if module != self._module:
            self.end_line()
            self._module, self._started = module, time.monotonic()
            print(f"  compile {module} ", end="")
        print(".", end="", flush=True)

    def end_line(self) -> None:
        """Say how long the module took."""
        if self._module:
            print(f" {time.monotonic() - self._started:.1f} s", flush=True)
            self._module = ""


def main() -> None:
    """Import every module that has kernels."""
    try:
        KernelCache(main, ())
    except CannotBeKept as error:
        print(f"  nothing was compiled: {error}", file=sys.stderr)
        return
    progress = Progress()
    log = logging.getLogger("eventstore.kernels")
    log.setLevel(logging.INFO)
    log.addHandler(progress)
    log.propagate = False
    for module in kernel_modules():
        importlib.import_module(module)
    progress.end_line()


if __name__ == "__main__":
    main()
