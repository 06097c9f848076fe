"""House rules that matter, held as tests: imports, sizes, documented settings, the committed GraphQL schema."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tradingplatform.management.commands.frontend_types import typescript
from tradingplatform.schema import schema
from tradingplatform.settings.variables import VARIABLES

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PACKAGES = (
    *("accounts", "benchmarks", "edge", "eventstore", "identity"),
    *("market", "readmodels", "temporal", "tradingplatform"),
)

# A ratchet: nothing may grow past these; where something is above, its size is written down and may only shrink.
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
ALLOWED_ABOVE: dict[str, int] = {}


def modules():
    for package in PACKAGES:
        for path in sorted((BASE_DIR / package).rglob("*.py")):
            if not {"tests", "migrations"} & set(path.parts):
                yield path


def test_every_import_contract_is_kept():
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", ".importlinter"]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_import_contracts_can_be_broken(tmp_path):
    """Plant an import that is forbidden and see it caught."""
    config = (BASE_DIR / ".importlinter").read_text()
    planted = config.replace("    eventstore.engines\n    eventstore.writer\n", "    msgspec\n", 1)
    (tmp_path / "planted").write_text(planted)
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(tmp_path / "planted")]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 1


def test_modules_and_functions_stay_small():
    sizes = {}
    for path in modules():
        name = str(path.relative_to(BASE_DIR))
        source = path.read_text()
        if (lines := source.count("\n")) > MODULE_LINES_MAX:
            sizes[name] = lines
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    sizes[f"{name}:{node.name}"] = length
    assert sizes == ALLOWED_ABOVE


def test_every_module_says_what_it_is():
    without = [
        str(path) for path in modules() if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert without == []


def test_nobody_opens_a_file_with_the_systems_sqlite():
    """A second copy of SQLite in a process undoes the file locks of the one that the event store uses."""
    importing = [
        str(path.relative_to(BASE_DIR))
        for folder in (*PACKAGES, "tests", "scripts")
        for path in sorted((BASE_DIR / folder).rglob("*.py"))
        if re.search(r"^\s*(import|from) sqlite3\b", path.read_text(), re.MULTILINE)
        and "node_modules" not in path.parts
    ]
    assert importing == ["benchmarks/peers/eventsourcing_places.py", "tests/benchmarks/test_peers.py"]


def test_every_environment_variable_is_documented_and_nothing_else_is():
    documented = (BASE_DIR / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", documented, re.MULTILINE)
    shown = {name: (default.strip("`"), meaning) for name, default, meaning in rows}
    expected = {v.name: (v.default or "(empty)", v.meaning) for v in VARIABLES}
    assert {name: shown.get(name) for name in expected} == expected
    assert set(shown) - set(expected) == {"WEB_PORT", "LOG", "PYTHON", "NUMBA_CACHE_DIR"}


def test_the_types_of_the_front_end_are_those_that_are_declared():
    committed = (BASE_DIR / "frontend" / "src" / "core" / "shapes.ts").read_text()
    assert committed == typescript(), "`make schema` writes it anew"


def test_the_committed_graphql_schema_is_the_one_that_is_served():
    committed = (BASE_DIR / "tradingplatform" / "schema.graphql").read_text()
    assert str(schema).strip() == committed.strip(), "run `make schema` and look at the difference"


def test_models_and_migrations_agree():
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=BASE_DIR,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_readme_and_docs_link_to_files_that_exist():
    for document in [*BASE_DIR.glob("*.md"), *(BASE_DIR / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_client_of_valkey_says_how_long_it_waits_and_how_often_it_tries_again():
    """The client's own way is 5 s and ten tries more: nearly a minute for whoever asks a server that hangs."""
    needed = {"socket_timeout", "socket_connect_timeout", "retry"}
    calls = 0
    for path in [*modules(), *(BASE_DIR / "scripts").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            is_client = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Redis.from_url")
            calls += is_client
            if is_client:
                missing = needed - {keyword.arg for keyword in node.keywords}
                assert not missing, f"{path.relative_to(BASE_DIR)}:{node.lineno} leaves out {missing}"
    assert calls >= 8
