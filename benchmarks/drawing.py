"""How the plots look: on white, so that they can be read on light and on dark pages, with units at every axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

OURS: Final = "#1f6feb"
OURS_TOO: Final = "#79b8ff"
PEER: Final = "#9a6700"
OTHERS: Final = "#8c959f"
LIMIT: Final = "#1a7f37"

mpl.rcParams.update(
    {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#d8dee4",
        "axes.axisbelow": True,
        "font.size": 9,
        "legend.frameon": False,
        "svg.hashsalt": "parley",  # the same results make the same file
    }
)


def panels(rows: int, columns: int, width: float = 10.0, height: float = 3.2) -> tuple[Figure, list[Any]]:
    """A figure and its axes, row by row; ``height`` (inches) is that of a row."""
    figure = Figure(figsize=(width, height * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.flat)


def bars(axes: Any, values: Mapping[str, float], colors: Sequence[str], *, unit: str, log: bool = False) -> None:
    """Lying bars, the first on top, each with its number."""
    names = list(values)
    places = range(len(names))
    axes.barh(places, list(values.values()), color=list(colors), height=0.7)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    if log:
        axes.set_xscale("log")
        axes.set_xlim(left=1)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(_short_tick)
        axes.minorticks_off()
    axes.set_xlabel(unit)
    for place, value in zip(places, values.values(), strict=True):
        axes.annotate(_short(value), (value, place), (3, 0), textcoords="offset points", va="center", fontsize=8)
    axes.margins(x=0.15)
    if log:
        axes.set_xlim(right=1.6 * max(values.values()))


def lines(
    axes: Any,
    at: Sequence[float],
    values: Mapping[str, Sequence[float]],
    colors: Mapping[str, str],
    *,
    log: bool = False,
    **labels: str,
) -> None:
    """One line a contender, over a logarithmic ``at``."""
    for name, found in values.items():
        axes.plot(at, found, marker="o", markersize=4, color=colors.get(name), label=name)
    axes.set_xscale("log")
    axes.set_xticks(at, [f"{each:,.0f}" for each in at])
    axes.minorticks_off()
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_short_tick)
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(_whole_tick)
    axes.set(**labels)


def save(figure: Figure, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None})


def _short_tick(value: float, _: int) -> str:
    return f"{value:,g}"


def _whole_tick(value: float, _: int) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}"
