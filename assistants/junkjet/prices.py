"""What materials are worth: guide values per kilogram, in Indian rupees, by grade (``data/prices.json``)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from assistants.junkjet.materials import MATERIALS, Material

_FILE: Final = Path(__file__).with_name("data") / "prices.json"


@dataclass(frozen=True, slots=True)
class Grade:
    """One quality of a material and what a kilogram of it brings, in INR."""

    name: str
    low: float
    high: float


@cache
def price_list() -> dict[Material, tuple[Grade, ...]]:
    """All grades of every material, in the order of the file."""
    materials = json.loads(_FILE.read_text("utf-8"))["materials"]
    return {m: tuple(Grade(g["grade"], g["low"], g["high"]) for g in materials[m]) for m in MATERIALS}


def price_range(material: Material) -> tuple[float, float]:
    """The lowest and the highest price per kg over all grades."""
    grades = price_list()[material]
    return min(g.low for g in grades), max(g.high for g in grades)


def rupees(low: float, high: float) -> str:
    """``₹1,200–1,500``; halves are shown below ten rupees only."""
    return f"₹{_amount(low)}–{_amount(high)}"


def kilograms(amount: float) -> str:
    """``2.5 kg``, ``1,200 kg``."""
    return f"{amount:,.3f}".rstrip("0").rstrip(".") + " kg"


def _amount(value: float) -> str:
    return f"{value:,.1f}" if value < 10 and value % 1 else f"{value:,.0f}"


def price_lines(material: Material, amount_kg: float | None = None) -> str:
    """One Markdown line a grade: the price per kg and, where an amount is given, what all of it would bring."""
    lines = []
    for grade in price_list()[material]:
        line = f"- {grade.name}: {rupees(grade.low, grade.high)} per kg"
        if amount_kg:
            line += f", so **{rupees(grade.low * amount_kg, grade.high * amount_kg)}** for {kilograms(amount_kg)}"
        lines.append(line)
    return "\n".join(lines)
