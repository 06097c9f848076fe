"""manage.py frontend_types: what the APIs show, as types of the front end; a test holds them to the declarations."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.shapes import Each, One, Shape
from readmodels.shapes import Account, DailyPnl, Event, Order, Position, Trade

SHOWN: Final = (Account, Position, Order, Trade, Event, DailyPnl)
"""The shapes that the front end knows, and with them those that are inside."""
_HEAD: Final = """\
// Written by `make schema` from the declarations of the server (readmodels/shapes.py): not to be edited.
// Money and prices are decimal strings with four decimals, quantities with up to six, instants RFC 3339 in UTC.

export type Decimal = string;
export type Quantity = string;
export type Instant = string;
"""


def typescript(shapes: Iterable[type[Shape]] = SHOWN) -> str:
    """Return a module that declares an interface for each shape, those inside first."""
    ordered: dict[type[Shape], None] = {}
    for shape in shapes:
        _add(shape, ordered)
    return "\n".join([_HEAD, *(_interface(shape) for shape in ordered)])


def _add(shape: type[Shape], ordered: dict[type[Shape], None]) -> None:
    for field in shape.fields.values():
        if isinstance(field, One | Each):
            _add(field.shape, ordered)
    ordered[shape] = None


def _interface(shape: type[Shape]) -> str:
    lines = [f"/** {shape.__doc__} */", f"export interface {shape.__name__} {{"]
    for name, field in shape.fields.items():
        if field.meaning:
            lines.append(f"  /** {field.meaning}. */")
        mark = "?" if field.is_optional else ""
        null = " | null" if field.is_nullable and not field.is_optional else ""
        lines.append(f"  {name}{mark}: {field.typescript()}{null};")
    return "\n".join([*lines, "}", ""])


class Command(BaseCommand):
    help = "Write what the APIs show as TypeScript; `make schema` does, after a shape has changed."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        file = settings.BASE_DIR / "frontend" / "src" / "core" / "shapes.ts"
        parser.add_argument("--out", type=Path, default=file, help="the file to write (default: the front end's)")

    def handle(self, *args: Any, **options: Any) -> None:
        options["out"].write_text(typescript())
        self.stdout.write(f"wrote {options['out']}")
