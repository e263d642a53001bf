"""All measurements, one after the other.

    python -m benchmarks [--quick] [turns journal scale start serve]

About 30 minutes on two quiet cores; with ``--quick`` six, for a look. Afterwards ``python -m benchmarks.report``
writes the results into ``docs/performance.md``.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.report import COMMANDS
from benchmarks.results import ROOT, arguments


def main() -> int:
    options = arguments(__doc__)
    options.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(COMMANDS)}; all where none is named")
    chosen = options.parse_args()
    if unknown := set(chosen.names) - set(COMMANDS):
        options.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(COMMANDS)}")
    failed = []
    for name in chosen.names or COMMANDS:
        print(f"\n--- {name}", flush=True)
        # Each in a process of its own: none measures what another left behind.
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if chosen.quick else [])]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
