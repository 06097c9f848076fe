"""What Numba's cache gives back is what the modules say now, those that a kernel takes functions from included."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

HELPER = """
from eventstore.kernels.compiling import kernel

@kernel()
def more(value):
    return value + {by}
"""
KERNEL = """
from eventstore.kernels.compiling import kernel
from sample.helper import more

@kernel("i8(i8)")
def twice(value):
    return more(more(value))
"""


def test_a_change_of_another_module_is_noticed(tmp_path):
    package = tmp_path / "sample"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "calling.py").write_text(KERNEL)
    script = "from sample.calling import twice; print(twice(0), sum(twice.stats.cache_hits.values()))"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}

    def run() -> list[str]:
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    (package / "helper.py").write_text(HELPER.format(by=1))
    assert run() == ["2", "0"]
    assert run() == ["2", "1"], "from the cache"
    (package / "helper.py").write_text(HELPER.format(by=20))
    assert run() == ["40", "0"], "compiled again"
