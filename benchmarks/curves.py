"""Curves of a measurement, drawn as SVG beside RESULTS.md: what waiting comes to as the load grows."""

from collections.abc import Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

FOLDER: Final = Path(__file__).with_name("plots")
WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 170, 46, 56
COLOURS: Final = ("#2563eb", "#ea580c", "#16a34a", "#9333ea")
STYLE: Final = "text{font:13px sans-serif;fill:#111827}.grid{stroke:#e5e7eb}.axis{stroke:#6b7280}"


class Curve(NamedTuple):
    """A line through points, x in the unit of its plot's load and y in milliseconds, above 0."""

    name: str
    points: Sequence[tuple[float, float]]


class Plot(NamedTuple):
    """Curves over one load; `limit_ms` is a budget, drawn as a dashed line."""

    file: str
    title: str
    load: str
    curves: Sequence[Curve]
    limit_ms: float | None = None

    def write(self) -> str:
        """Draw the plot into its file; return the line of Markdown that shows it."""
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / self.file).write_text(self.svg())
        return f"![{self.title}]({FOLDER.name}/{self.file})"

    def svg(self) -> str:
        """Return the drawing; the milliseconds are on a logarithmic scale."""
        loads = [x for curve in self.curves for x, _ in curve.points]
        waits = [y for curve in self.curves for _, y in curve.points] + ([self.limit_ms] if self.limit_ms else [])
        lowest, highest = floor(log10(min(waits))), ceil(log10(max(waits)))
        step = _round_step(max(loads) / 6)
        widest = step * ceil(max(loads) / step)
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT

        def x_of(load: float) -> float:
            return LEFT + (right - LEFT) * load / widest

        def y_of(wait: float) -> float:
            return bottom - (bottom - TOP) * (log10(wait) - lowest) / max(1, highest - lowest)

        parts = [f'<text x="{LEFT}" y="24" style="font-size:15px;font-weight:bold">{escape(self.title)}</text>']
        for power in range(lowest, highest + 1):
            y = y_of(10.0**power)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g} ms</text>')
        for number in range(round(widest / step) + 1):
            x = x_of(number * step)
            parts.append(f'<text x="{x:.1f}" y="{bottom + 20}" text-anchor="middle">{number * step:,g}</text>')
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        middle = (LEFT + right) / 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 14}" text-anchor="middle">{escape(self.load)}</text>')
        if self.limit_ms:
            y = y_of(self.limit_ms)
            line = f'x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dc2626" stroke-dasharray="6 4"'
            parts.append(f'<line {line}/><text x="{LEFT + 8}" y="{y - 6:.1f}">budget {self.limit_ms:g} ms</text>')
        for number, (curve, colour) in enumerate(zip(self.curves, COLOURS, strict=False)):
            path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in curve.points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>' for x, y in curve.points]
            y = TOP + 14 + 20 * number
            parts.append(f'<rect x="{right + 8}" y="{y - 9}" width="14" height="4" fill="{colour}"/>')
            parts.append(f'<text x="{right + 28}" y="{y - 3}">{escape(curve.name)}</text>')
        size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>'
            f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n'
        )


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below."""
    power = 10.0 ** floor(log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999_999)
