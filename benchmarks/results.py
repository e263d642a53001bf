"""What the commands of this folder share: where results lie, what they were measured on, and the tables made of them.

A command measures, and ``publish`` does the rest: JSON in ``benchmarks/results``, tables on the terminal, a plot in
``docs/plots``. Tables and plots are made from the JSON alone, so ``benchmarks.report`` can make them again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Protocol, cast

from rich.console import Console
from rich.table import Table as RichTable

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results"
PLOTS: Final = ROOT / "docs" / "plots"
LOOKS: Final = RESULTS / "quick"
"""Where ``--quick`` writes: a look must not replace a measurement."""

Results = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as they are read; the first column names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    def markdown(self) -> str:
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
        return f"{self.title}\n\n{table}" if self.title else table

    def show(self, console: Console) -> None:
        table = RichTable(title=self.title, title_justify="left")
        for number, name in enumerate(self.head):
            table.add_column(name, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


class Command(Protocol):
    """What a module of this folder makes of its results."""

    @staticmethod
    def tables(results: Results) -> Iterable[Table]: ...
    @staticmethod
    def notes(results: Results) -> str: ...
    @staticmethod
    def draw(results: Results, file: Path) -> None: ...


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The options that every command has."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"a look: short, written to {LOOKS.relative_to(ROOT)}")
    return parser


def about(*packages: str) -> Results:
    """Where and with what something is measured. To be asked before it is: the load is that of others."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "begun": time.time(),
        "cores": os.cpu_count(),
        "cpu": _cpu(),
        "system": platform.system(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "redis": _redis_version(),
        "packages": {name: found for name in packages if (found := _version(name))},
    }


def command(name: str) -> Command:
    """The module of a command."""
    return cast("Command", import_module(f"benchmarks.{name}"))


def publish(name: str, results: Results, *, quick: bool) -> None:
    """``results`` holds ``about``; the seconds that the run took are added."""
    results["about"]["seconds"] = round(time.time() - results["about"].pop("begun"))
    folder, plots = (LOOKS, LOOKS) if quick else (RESULTS, PLOTS)
    folder.mkdir(parents=True, exist_ok=True)
    plots.mkdir(parents=True, exist_ok=True)
    file, plot = folder / f"{name}.json", plots / f"{name}.svg"
    file.write_text(json.dumps(rounded(results), indent=1) + "\n")
    console = Console(width=max(160, Console().width))
    for table in command(name).tables(results):
        table.show(console)
    if notes := command(name).notes(results):
        console.print(notes)
    command(name).draw(results, plot)
    console.print(f"{file.relative_to(ROOT)}, {plot.relative_to(ROOT)}")


def load(name: str) -> Results | None:
    """The results of the last whole run, None where there was none."""
    file = RESULTS / f"{name}.json"
    if not file.exists():
        return None
    found: Results = json.loads(file.read_text())
    return found if "about" in found else None


def machine(results: Results) -> str:
    """One line for a reader: what, where, and how busy it was."""
    about = results["about"]
    versions = [f"Python {about['python']}", f"Redis {about['redis']}"]
    versions += [f"{name} {number}" for name, number in about["packages"].items()]
    minutes, seconds = divmod(about["seconds"], 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    where = f"{about['cores']} cores ({about['cpu']}), {about['system']}, load {about['load']:g} before it"
    return f"{about['at'][:10]}, {took}, {where}; {', '.join(versions)}."


def percentile(values: Iterable[float], share: float) -> float:
    """The value that ``share`` (0 to 1) of the values do not exceed; 0 where there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def number(value: float) -> str:
    """Three figures, and what belongs to thousands in groups."""
    if value >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def rounded(value: Any) -> Any:
    """Five significant figures: more is noise, and makes every change of a file a long one."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list) else value


def _cpu() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.machine()


def _redis_version() -> str:
    path = shutil.which("redis-server")
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout if path else ""
    found = re.search(r"v=(\S+)", told)
    return found[1] if found else "none"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
