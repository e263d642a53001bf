"""Nothing is claimed on the security page without the test that shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][2:]


def defined(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_claim_names_a_test_that_is_there() -> None:
    assert len(ROWS) > 30
    for claim, *_, shown_by in ROWS:
        named = re.findall(r"`(tests/\S+\.py)::(\w+)`", shown_by)
        assert named, claim
        for path, test in named:
            assert test in defined(ROOT / path), f"{claim}: {path}::{test}"


def test_the_numbers_are_numbers_of_their_lists() -> None:
    for claim, asvs, top, _ in ROWS:
        assert all(re.fullmatch(r"([1-9]|1[0-7])\.\d+(\.\d+)?|-", number) for number in asvs.split(", ")), claim
        assert all(re.fullmatch(r"API([1-9]|10)|LLM(0[1-9]|10)", number) for number in top.split(", ")), claim
