"""Copies of the project to start and stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.ops.checkout import Checkout


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Checkout]:
    """The script around a server that behaves as its environment says."""
    checkout = Checkout(tmp_path / "my project", real_server=False)
    yield checkout
    checkout.end()


@pytest.fixture
def without(tmp_path: Path) -> Callable[..., str]:
    """A PATH that has everything but the programs whose names match: ``without("redis-server", "python*")``."""

    def path(*missing: str) -> str:
        folder = tmp_path / "programs"
        folder.mkdir()
        for directory in os.environ["PATH"].split(":"):
            for item in Path(directory).glob("*"):
                link = folder / item.name
                if not link.is_symlink() and not any(fnmatch(item.name, pattern) for pattern in missing):
                    link.symlink_to(item)
        return str(folder)

    return path
