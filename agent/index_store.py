"""An index in a folder: saved so that a reader never sees half of it, and noticed when it changed.

    current.json            which generation counts: {"format", "generation", "language", "model", "passages"}
    <generation>/           passages.jsonl, bm25/ (a cache of what the passages say), vectors.npy, ledger.json
    writing.lock            held by whoever writes

A new generation is written beside the old one; replacing ``current.json`` is what makes it count.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import bm25s
import numpy as np
import orjson

from agent.retrieval import Index, Passage
from agent.terms import Terms

FORMAT: Final = 1
_CURRENT: Final = "current.json"


class IndexDamaged(Exception):
    """A folder's index cannot be read. Building it anew helps."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"The index in {folder} cannot be read ({why}); run the ingest again with --fresh")
        self.folder = folder


class IndexBusy(Exception):
    """Another process is writing to this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"Another process is writing the index in {folder}; wait until it is done")
        self.folder = folder


Stamp = tuple[int, int, int]
"""What changes when an index does: inode, size and time of ``current.json``."""


def stamp(folder: Path) -> Stamp | None:
    """The stamp of the index in ``folder``, or None where there is none. One system call."""
    try:
        found = (folder / _CURRENT).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only writer of ``folder`` (made where it is missing). Raises ``IndexBusy``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "writing.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise IndexBusy(folder) from error
        yield


def save(folder: Path, index: Index, ledger: Mapping[str, Any] | None = None) -> None:
    """Make ``index`` the one that counts. ``ledger`` is kept beside it as it is (JSON).

    The generation before stays, for whoever is reading it; older ones go. To be called within ``writing``.
    """
    generation = f"generation-{uuid.uuid4().hex[:12]}"
    place = folder / generation
    before: dict[str, Any] | None = None
    place.mkdir(parents=True)
    with (place / "passages.jsonl").open("wb") as file:
        for passage in index.passages:
            file.write(orjson.dumps(dataclasses.asdict(passage), option=orjson.OPT_APPEND_NEWLINE))
    if index.bm25 is not None:
        index.bm25.save(place / "bm25", show_progress=False)
    if index.vectors is not None:
        np.save(place / "vectors.npy", index.vectors, allow_pickle=False)
    (place / "ledger.json").write_bytes(orjson.dumps(ledger or {}))
    with contextlib.suppress(IndexDamaged):  # what cannot be read is replaced
        before = _current(folder)
    head = {
        "format": FORMAT,
        "generation": generation,
        "language": index.terms.language,
        "model": index.model,
        "passages": len(index),
    }
    _replace(folder / _CURRENT, orjson.dumps(head, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    for old in folder.glob("generation-*"):
        if old.name not in (generation, (before or {}).get("generation")):
            shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> Index | None:
    """The index in ``folder``, or None where there is none. Raises ``IndexDamaged``."""
    for attempt in range(3):
        head = _current(folder)
        if head is None:
            return None
        try:
            return _load_generation(folder, head)
        except FileNotFoundError as error:
            # Two saves while we were reading took the generation away; the next look finds the newer one.
            if attempt == 2 or _current(folder) == head:
                raise IndexDamaged(folder, f"{error.filename} is missing") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexDamaged(folder, f"{type(error).__name__}: {error}") from error
    return None


def load_ledger(folder: Path) -> dict[str, Any]:
    """What the last ``save`` noted; empty where there was none."""
    head = _current(folder)
    if head is None:
        return {}
    try:
        found = orjson.loads((folder / str(head.get("generation")) / "ledger.json").read_bytes())
    except (OSError, ValueError) as error:
        raise IndexDamaged(folder, f"{type(error).__name__}: {error}") from error
    return found if isinstance(found, dict) else {}


def _load_generation(folder: Path, head: Mapping[str, Any]) -> Index:
    if head.get("format") != FORMAT:
        raise ValueError(f"its format is {head.get('format')!r}, not {FORMAT}")
    place = folder / str(head["generation"])
    with (place / "passages.jsonl").open("rb") as file:
        passages = [Passage(**orjson.loads(line)) for line in file]
    terms = Terms(str(head["language"]))
    bm25 = _load_bm25(place / "bm25", len(passages))
    index = Index(passages, terms, bm25) if bm25 is not None else Index.build(passages, terms)
    vectors = place / "vectors.npy"
    if head.get("model") and vectors.exists():
        index = index.with_vectors(np.load(vectors, allow_pickle=False), str(head["model"]))
    return index


def _load_bm25(place: Path, passages: int) -> bm25s.BM25 | None:
    """The saved BM25 matrix, or None where it has to be made again: missing, or of another version of bm25s."""
    try:
        written_by = orjson.loads((place / "params.index.json").read_bytes())
        if written_by.get("version") != bm25s.__version__ or written_by.get("num_docs") != passages:
            return None
        return bm25s.BM25.load(place, show_progress=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _current(folder: Path) -> dict[str, Any] | None:
    try:
        head = orjson.loads((folder / _CURRENT).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise IndexDamaged(folder, f"{_CURRENT}: {error}") from error
    if not isinstance(head, dict):
        raise IndexDamaged(folder, f"{_CURRENT} is not an object")
    return head


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
