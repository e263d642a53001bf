"""Known vulnerabilities in what is pinned, for Python and for the page: ``make audit``.

Exit code 0: every package was looked up and none has a known one; 1: some have; 2: not every package could be looked
up, so that nothing can be said. The Python packages are looked up at OSV, the page's at the npm registry.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
PYTHON: Final = ("requirements.txt", "requirements-dev.txt")
NODE: Final = ("web", "tests/sdk")
TIME_LIMIT: Final = 600
"""Seconds for one file."""


class NotLookedUp(Exception):
    """The vulnerability service did not answer, or does not know the packages."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A package with a known vulnerability."""

    package: str
    names: tuple[str, ...]
    cure: str

    def __str__(self) -> str:
        return f"  {self.package}: {', '.join(self.names)}; {self.cure}"


def python_flaws(pins: Path, osv_url: str) -> Iterator[Flaw]:
    """Of the pins of a requirements file."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(pins), "--require-hashes", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off", "--vulnerability-service", "osv"]
    found = told(command + (["--osv-url", osv_url] if osv_url else []), ROOT)
    if not isinstance(packages := found.get("dependencies"), list) or not packages:
        raise NotLookedUp("pip-audit's answer names no packages")
    if skipped := [each["name"] for each in packages if "skip_reason" in each]:
        raise NotLookedUp(f"{len(skipped)} of {len(packages)} packages could not be looked up: {', '.join(skipped)}")
    for each in packages:
        if each["vulns"]:
            versions = sorted({version for vuln in each["vulns"] for version in vuln["fix_versions"]})
            cure = f"mended in {', '.join(versions)}" if versions else "not mended yet"
            yield Flaw(f"{each['name']} {each['version']}", tuple(vuln["id"] for vuln in each["vulns"]), cure)


def node_flaws(folder: Path) -> Iterator[Flaw]:
    """Of the packages of a ``package-lock.json``."""
    npm = shutil.which("npm")
    if npm is None:
        raise NotLookedUp("npm is not installed")
    found = told(
        [npm, "audit", "--json", "--package-lock-only", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"], folder
    )
    if not isinstance(flawed := found.get("vulnerabilities"), dict):
        raise NotLookedUp(f"npm audit: {found.get('message') or found.get('error') or 'no answer that is one'}")
    for name, each in sorted(flawed.items()):
        titles = tuple(cause["title"] for cause in each["via"] if isinstance(cause, dict)) or ("by what it needs",)
        yield Flaw(
            f"{name} ({each['severity']})", titles, "npm audit fix" if each["fixAvailable"] else "not mended yet"
        )


def told(command: Sequence[str], folder: Path) -> dict[str, Any]:
    """The JSON that a program writes. Its exit code counts for nothing: it is the same for a flaw and for no answer."""
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotLookedUp(f"no answer within {TIME_LIMIT} s") from error
    try:
        found = json.loads(ran.stdout)
    except ValueError as error:
        last = (ran.stderr.strip() or ran.stdout.strip() or "no output").splitlines()[-1]
        raise NotLookedUp(last[:300]) from error
    if not isinstance(found, dict):
        raise NotLookedUp("an answer that is none")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder with the lock files")
    parser.add_argument("--osv-url", default="", help="another server that speaks OSV's API")
    options = parser.parse_args(arguments)
    lookups: dict[str, Callable[[], Iterable[Flaw]]] = {
        name: partial(python_flaws, options.root / name, options.osv_url) for name in PYTHON
    }
    lookups |= {f"{name}/package-lock.json": partial(node_flaws, options.root / name) for name in NODE}
    with ThreadPoolExecutor() as pool:
        return max(pool.map(tell, lookups.keys(), lookups.values()))


def tell(name: str, lookup: Callable[[], Iterable[Flaw]]) -> int:
    """Look one file up and write down what came of it; the exit code for it."""
    try:
        flaws = list(lookup())
    except NotLookedUp as error:
        print(f"{name}: NOT AUDITED, so nothing is known: {error}")
        return 2
    print("\n".join([f"{name}: {len(flaws) or 'no'} packages with known vulnerabilities", *map(str, flaws)]))
    return int(bool(flaws))


if __name__ == "__main__":
    sys.exit(main())
