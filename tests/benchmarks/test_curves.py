"""A plot shows every point where it belongs: by its load and, on a logarithmic scale, by its milliseconds."""

import re
from xml.etree import ElementTree

from benchmarks import curves
from benchmarks.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Curve, Plot

SVG = "{http://www.w3.org/2000/svg}"
PLOT = Plot("p.svg", "Waits & loads", "trades/s", [Curve("p50", [(0, 1), (600, 10)]), Curve("p99", [(300, 100)])], 5)


def test_points_are_where_they_belong():
    drawn = ElementTree.fromstring(PLOT.svg())
    points = [(float(of.get("cx")), float(of.get("cy"))) for of in drawn.iter(f"{SVG}circle")]
    bottom, right, middle = HEIGHT - BOTTOM, WIDTH - RIGHT, (TOP + HEIGHT - BOTTOM) / 2
    assert points == [(LEFT, bottom), (right, middle), ((LEFT + right) / 2, TOP)]
    texts = [of.text for of in drawn.iter(f"{SVG}text")]
    assert texts[:4] == ["Waits & loads", "1 ms", "10 ms", "100 ms"]
    assert {"0", "100", "600", "trades/s", "budget 5 ms", "p50", "p99"} <= set(texts)


def test_it_is_written_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "FOLDER", tmp_path / "plots")
    assert PLOT.write() == "![Waits & loads](plots/p.svg)"
    assert re.match("<svg ", (tmp_path / "plots" / "p.svg").read_text())
