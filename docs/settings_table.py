"""Writes what ``settings.py`` knows into ``.env.example`` and into the table of ``README.md``.

python docs/settings_table.py          write both
python docs/settings_table.py --check  exit 1 if either is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.registry import find  # noqa: E402
from settings import SETTINGS  # noqa: E402

START, END = "<!-- settings -->\n", "<!-- /settings -->\n"


def rows() -> Iterator[tuple[str, str, str]]:
    """(name, default, meaning) of every setting, the assistants' own last."""
    named = {setting.name for setting in SETTINGS}
    for setting in SETTINGS:
        yield setting.name, setting.default, setting.about
    for name, package in find().packages.items():
        for variable, default in getattr(package, "SETTINGS", {}).items():
            if variable in named:
                continue
            about = getattr(package, "SETTINGS_ABOUT", {}).get(variable, "")
            yield variable, default, f"{name}: {about}" if about else name


def env_example() -> str:
    lines = ["# Every setting with its default. Copy to .env and change what you need.\n"]
    for name, default, about in rows():
        lines.append(f"\n# {about}\n#{name}={default}\n")
    return "".join(lines)


def markdown() -> str:
    lines = ["| name | default | |\n| --- | --- | --- |\n"]
    for name, default, about in rows():
        lines.append(f"| `{name}` | {f'`{default}`' if default else ''} | {about.replace('|', '/')} |\n")
    return "".join(lines)


def with_table(readme: str) -> str:
    """The README with a fresh table between its marks."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{markdown()}{END}{after}"


def main() -> int:
    readme = ROOT / "README.md"
    wanted = {ROOT / ".env.example": env_example(), readme: with_table(readme.read_text())}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.name} is out of date: run python docs/settings_table.py")
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
