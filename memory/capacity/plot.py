"""A day's memory as an SVG picture: an area for each assistant, stacked on what is shared."""

from __future__ import annotations

import math
from html import escape
from typing import Final

import numpy as np

from memory.capacity.forecast import Forecast
from memory.capacity.simulation import MINUTES, Counts
from memory.capacity.table import MB, clock

WIDTH, HEIGHT = 880, 440
LEFT, RIGHT, TOP, BOTTOM = 72, 190, 48, 40
STEP: Final = 10
"""Minutes between two points."""

COLOURS: Final = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Paul Tol's bright scheme, told apart by colour-blind people too."""

SHARED: Final = "#bbbbbb"


def draw(told: Forecast) -> str:
    """The whole picture, white behind it."""
    layers = [("shared", np.full(MINUTES, sum(told.shared.values())), SHARED)]
    layers += [
        (each.mix.name, each.bytes, COLOURS[number % len(COLOURS)]) for number, each in enumerate(told.assistants)
    ]
    ceiling, step = _scale(float(told.bytes.max()) / MB)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<g font-size="13"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="28" font-size="16">MB of Redis through a day, {told.workload.users:,} users</text>',
    ]
    for line in range(round(ceiling / step) + 1):
        y = _y(line * step, ceiling)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{line * step:,g}</text>')
    for hour in range(0, 25, 4):
        x = _x(hour * 60)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{clock(hour * 60)}</text>')
    below = np.zeros(MINUTES)
    for number, (name, size, colour) in enumerate(layers):
        above = below + size / MB
        parts.append(f'<path d="{_area(below, above, ceiling)}" fill="{colour}"/>')
        y = HEIGHT - BOTTOM - 20 * number
        parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{y - 12}" width="12" height="12" fill="{colour}"/>')
        most = f"{float(size.max()) / MB:,.3g} MB"
        parts.append(f'<text x="{WIDTH - RIGHT + 34}" y="{y - 1}">{escape(name)}: {most}</text>')
        below = above
    return "\n".join([*parts, "</g></svg>\n"])


def _scale(most: float) -> tuple[float, float]:
    """The top of the scale and the distance of its lines: 1, 2 or 5 times a power of ten."""
    rough = max(most, 0.001) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
    return math.ceil(most / step) * step, step


def _x(minute: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * minute / MINUTES


def _y(size: float, ceiling: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * size / ceiling


def _area(below: Counts, above: Counts, ceiling: float) -> str:
    minutes = [*range(0, MINUTES, STEP), MINUTES - 1]
    upper = [f"{_x(at):.1f} {_y(float(above[at]), ceiling):.1f}" for at in minutes]
    lower = [f"{_x(at):.1f} {_y(float(below[at]), ceiling):.1f}" for at in reversed(minutes)]
    return "M" + "L".join(upper + lower) + "Z"
