"""Kernels are compiled by setup, all of them, and by nobody afterwards."""

import ast
import os
import subprocess
import sys

import pytest

from tests.architecture.test_house_rules import BASE_DIR, modules
from tradingplatform.kernels import kernel_modules

COUNT = """
import importlib, sys
from numba.core.dispatcher import Dispatcher

for module in sys.argv[1:]:
    importlib.import_module(module)
values = [value for module in list(sys.modules.values()) for value in vars(module).values()]
kernels = {value for value in values if isinstance(value, Dispatcher)}
print(sum(sum(each.stats.cache_hits.values()) for each in kernels), end=" ")
print(sum(sum(each.stats.cache_misses.values()) for each in kernels))
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=BASE_DIR,
        env={**os.environ, "MAKEFLAGS": "", **environment},
        capture_output=True,
        text=True,
        timeout=250,
    )


def decorated(path):
    """The functions of a module that are compiled."""
    for node in ast.walk(ast.parse(path.read_text())):
        for decorator in getattr(node, "decorator_list", []):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).rpartition(".")[2] == "kernel":
                yield node.name


def test_every_module_that_has_kernels_is_found():
    expected = {
        ".".join(path.relative_to(BASE_DIR).with_suffix("").parts) for path in modules() if any(decorated(path))
    }
    assert set(kernel_modules()) == expected
    assert len(expected) > 10


def test_a_process_compiles_nothing_after_setup_in_whatever_order_it_imports():
    done = run(sys.executable, "-m", "tradingplatform.kernels")
    assert done.returncode == 0, done.stderr
    again = run(sys.executable, "-m", "tradingplatform.kernels")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    for names in (kernel_modules(), kernel_modules()[::-1]):
        counted = run(sys.executable, "-c", COUNT, *names)
        hits, misses = map(int, counted.stdout.split())
        assert misses == 0
        assert hits >= len(names)


def test_what_is_compiled_is_shown_and_only_that(tmp_path):
    app = tmp_path / "sample"
    app.mkdir()
    (app / "apps.py").touch()
    (app / "one.py").write_text(
        'from eventstore.kernels.compiling import kernel\n\n@kernel("i8(i8)")\ndef same(value):\n    return value\n'
    )
    script = (
        "import sys, pathlib, tradingplatform.kernels as k\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        f"found = k.kernel_modules(pathlib.Path({str(tmp_path)!r}))\n"
        "assert found == ['sample.one']\n"
        "k.kernel_modules = lambda: found\n"
        "k.main()\n"
    )
    shown = [run(sys.executable, "-c", script, NUMBA_CACHE_DIR=str(tmp_path / "kept")).stdout for _ in range(2)]
    assert shown[0].startswith("  compile sample.one . ")
    assert shown[0].endswith(" s\n")
    assert shown[1] == ""


@pytest.mark.parametrize(
    "changed", ["eventstore/integrity/hashing.py", "accounts/domain/values.py", "eventstore/idempotency/remembered.py"]
)
def test_make_compiles_again_after_a_change_and_only_then(tmp_path, changed):
    made = tmp_path / "compiled"
    made.touch()
    command = ("make", "--dry-run", "--old-file=.venv/installed", f"COMPILED={made}", str(made))
    assert "tradingplatform.kernels" not in run(*command).stdout
    assert "tradingplatform.kernels" in run(*command, f"--what-if={changed}").stdout
