"""What is kept of kernels: what their modules say now, compiled once, and never in the way of a start."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
SCRIPT = """
import sys
from sample.calling import twice
print(twice(0), sum(twice.stats.cache_hits.values()))
"""
COMPILED, KEPT = "2 0", "2 1"


class Sample:
    """A package with one kernel, which is imported by processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "sample"
        self.package.mkdir()
        (self.package / "__init__.py").touch()
        (self.package / "calling.py").write_text(KERNEL)
        (self.package / "helper.py").write_text(HELPER.format(by=1))
        self.kept = folder / "kept"
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{folder}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": str(self.kept),
        }

    def start(self, script: str = SCRIPT) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return output.strip(), errors

    def run(self, script: str = SCRIPT) -> tuple[str, str]:
        return self.end(self.start(script))

    def file(self, pattern: str) -> Path:
        (found,) = self.kept.glob(f"*/{pattern}")
        return found


@pytest.fixture
def sample(tmp_path):
    return Sample(tmp_path)


def test_a_change_of_another_module_is_noticed(sample):
    assert sample.run() == (COMPILED, "")
    assert sample.run() == (KEPT, "")
    (sample.package / "helper.py").write_text(HELPER.format(by=20))
    assert sample.run() == ("40 0", "")


def test_what_is_kept_does_not_depend_on_the_times_of_files(sample):
    assert sample.run() == (COMPILED, "")
    for file in sample.package.glob("*.py"):
        os.utime(file, (1, 1))
    assert sample.run() == (KEPT, "")


def test_kernels_whose_indices_are_checked_are_not_taken_for_those_whose_are_not(sample):
    assert sample.run() == (COMPILED, "")
    sample.environment["NUMBA_BOUNDSCHECK"] = "1"
    assert sample.run() == (COMPILED, "")


@pytest.mark.parametrize("damaged", ["*.nbi", "*.nbc"])
@pytest.mark.parametrize("octets", [b"", b"\x80\x04garbage"])
def test_a_damaged_file_is_made_again(sample, damaged, octets):
    assert sample.run() == (COMPILED, "")
    sample.file(damaged).write_bytes(octets)
    output, errors = sample.run()
    assert output == COMPILED
    assert "cannot be used" in errors
    assert sample.run() == (KEPT, "")


def test_a_disk_without_room_keeps_nobody_from_starting(sample):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n" + SCRIPT
    ignored = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + limited
    output, errors = sample.run(ignored)
    assert output == COMPILED
    assert "cannot be kept in" in errors


@pytest.mark.parametrize("is_home_writable", [True, False])
def test_a_folder_that_may_not_be_written_to_keeps_nobody_from_starting(sample, tmp_path, is_home_writable):
    """A file stands where each folder would have to be: that stops whoever runs this, the root user included."""
    del sample.environment["NUMBA_CACHE_DIR"]
    (sample.package / "__pycache__").touch()
    home = tmp_path / "home"
    home.mkdir() if is_home_writable else home.touch()
    sample.environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    output, errors = sample.run()
    assert output == COMPILED
    assert ("name a folder with NUMBA_CACHE_DIR" in errors) is not is_home_writable
    assert sample.run()[0] == (KEPT if is_home_writable else COMPILED)


def test_of_several_processes_one_compiles_and_the_others_wait(sample):
    assert sample.run() == (COMPILED, "")
    sample.file("*.nbi").unlink()
    with sample.file("kernels.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        processes = [sample.start() for _ in range(3)]
        said = [process.stderr.readline() for process in processes]
        assert all("waiting for another process" in each for each in said)
        assert [process.poll() for process in processes] == [None] * 3, "they wait"
    ends = [sample.end(process) for process in processes]
    assert sorted(output for output, _ in ends) == [COMPILED, KEPT, KEPT]


def test_nobody_waits_for_ever_for_a_process_that_hangs(sample):
    assert sample.run() == (COMPILED, "")
    sample.file("*.nbi").unlink()
    with sample.file("kernels.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        output, _ = sample.run("from eventstore.kernels import cache; cache.WAIT_SECONDS_MAX = 0.2\n" + SCRIPT)
    assert output == COMPILED
