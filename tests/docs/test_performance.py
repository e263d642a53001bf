"""The figures of the performance page are those that were measured."""

from __future__ import annotations

import pytest

# What only the benchmarks need is installed where somebody measures.
pytest.importorskip("matplotlib")
pytest.importorskip("uvloop")


def test_the_page_shows_the_results_of_the_last_run() -> None:
    from benchmarks.report import DOCUMENT, written

    page = DOCUMENT.read_text()

    assert page == written(page), "run python -m benchmarks.report"
