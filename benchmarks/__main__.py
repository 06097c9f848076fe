"""`python -m benchmarks [store|commands|readmodels|market|temporal ...] [--json]`: measure, and write each group's part
of RESULTS.md unless --json is given.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import django
import msgspec

from benchmarks.curves import Plot
from benchmarks.measure import Figure, machine
from benchmarks.server import commit_id

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Parse the command line, measure, report."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingplatform.settings")
    django.setup()
    groups = _groups()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", choices=[*groups, []], help="what to measure (default: everything)")
    parser.add_argument("--json", action="store_true", help="one object a line, and no RESULTS.md")
    arguments = parser.parse_args()
    chosen = arguments.groups or list(groups)
    for name in chosen:
        figures: list[Figure] = []
        plots: list[Plot] = []
        for found in groups[name]():
            if isinstance(found, Plot):
                plots.append(found)
            else:
                figures.append(found)
            print(_json(found) if arguments.json else _line(found), flush=True)
        if not arguments.json:
            _write(name, figures, plots, order=list(groups))
            print(f"{name}: written to {RESULTS.name}")


def _groups() -> dict[str, Callable[[], Iterator[Figure | Plot]]]:
    from benchmarks import commands, market, readmodels, store, temporal  # noqa: PLC0415 - they need Django's settings.

    return {
        "store": store.run,
        "commands": commands.run,
        "readmodels": readmodels.run,
        "market": market.run,
        "temporal": temporal.run,
    }


def _json(found: Figure | Plot) -> str:
    return msgspec.json.encode(found._asdict() if isinstance(found, Plot) else found).decode()


def _line(figure: Figure | Plot) -> str:
    if isinstance(figure, Plot):
        return f"{figure.file}: {figure.title}"
    return f"{figure.metric:<36} {_number(figure.value):>12} {figure.unit:<16} {_verdict(figure)}"


def _verdict(figure: Figure) -> str:
    if figure.is_met is None:
        return ""
    return f"budget {figure.budget}: {'met' if figure.is_met else 'MISSED'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def _write(name: str, figures: list[Figure], plots: list[Plot], *, order: list[str]) -> None:
    """Write a group's part of the results; the other groups keep theirs, each with its own day and commit."""
    standing = RESULTS.read_text() if RESULTS.exists() else ""
    parts = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in standing.split("\n## ")[1:]}
    parts[name] = "\n\n".join([_part(figures), *(plot.write() for plot in plots)])
    RESULTS.write_text(_HEAD + "".join(f"\n## {group}\n\n{parts[group]}\n" for group in order if group in parts))


_HEAD = """# Measured

By `python -m benchmarks`, one run a group. Everything that was acknowledged was counted in the journal afterwards.
"""


def _part(figures: list[Figure]) -> str:
    rows = "\n".join(
        f"| {f.metric} | {_number(f.value)} {f.unit} | {_verdict(f).removeprefix('budget ') or '-'} | {f.note} |"
        for f in figures
    )
    return f"""On {machine()}; {datetime.now(UTC):%Y-%m-%d}, commit {commit_id()}.

| metric | measured | budget | how |
|---|---|---|---|
{rows}"""


if __name__ == "__main__":
    main()
