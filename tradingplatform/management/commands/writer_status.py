"""manage.py writer_status: what each writer has done since it began."""

import io
import json
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from accounts.writer.bus.routed import InvalidRoutes
from accounts.writer.metrics import LaneTimes, WriterStatus
from tradingplatform.bootstrap import make_writer_bus, writer_routes


class Command(BaseCommand):
    help = "Show what each writer has done since it began: commands by outcome, answer times, what waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a line of JSON for each writer")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            routes = writer_routes()
        except InvalidRoutes as error:
            raise CommandError(f"WRITER_ENDPOINT: {error}") from error
        silent = []
        for route in routes:
            status = make_writer_bus(route).status()
            if status is None:
                silent.append(route.endpoint)
            elif options["json"]:
                self.stdout.write(json.dumps({"endpoint": route.endpoint, **_as_object(status)}))
            else:
                self.stdout.write(_shown(route.endpoint, status))
        if silent:
            raise CommandError(f"no answer from {', '.join(silent)}: is the writer running?")


def _as_object(status: WriterStatus) -> dict[str, Any]:
    fields = msgspec.structs.asdict(status)
    fields |= {lane: msgspec.structs.asdict(fields[lane]) for lane in ("single", "bulk")}
    fields["commands"] = [msgspec.structs.asdict(count) for count in status.commands]
    return fields


def _shown(endpoint: str, status: WriterStatus) -> str:
    console = Console(file=io.StringIO(), highlight=False, width=120)
    since = datetime.fromtimestamp(status.started_at / 1_000_000, UTC)
    console.print(
        f"writer of partitions {status.partitions} at {endpoint}, since {since:%Y-%m-%d %H:%M:%S} UTC\n"
        f"{status.groups:,} groups: {status.deciding_seconds:.1f} s deciding, {status.writing_seconds:.1f} s writing; "
        f"{status.queued:,} commands wait, {status.overloaded:,} were turned away\n"
        f"{status.accounts_held:,} accounts held, {status.accounts_let_go:,} let go"
    )
    if status.clock_problem is not None:
        console.print(f"no commands are executed: {status.clock_problem}")
    for name, times in (("single", status.single), ("bulk", status.bulk)):
        console.print(_lane(name, times))
    table = Table("command", "outcome")
    table.add_column("count", justify="right")
    for of in status.commands:
        table.add_row(of.command, of.outcome, f"{of.count:,}")
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def _lane(name: str, times: LaneTimes) -> str:
    if not times.requests:
        return f"{name}: no requests"
    return (
        f"{name}, {times.requests:,} requests: p50 {times.p50_ms} ms, p99 {times.p99_ms} ms, longest {times.max_ms} ms"
    )
