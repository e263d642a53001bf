"""Attributes that two instances changed apart: who wrote a field last, wins it. Pure functions.

A document is compared at two levels: its fields, and the fields of those that are objects (a cart's lines, say). A
*path* names one of them, ``("budget",)`` or ``("cart", "sku-1")``. A path that is in no document has the value ABSENT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from memory.codec import CorruptRow

Path = tuple[str, ...]

ABSENT: Final = object()
"""The value of a path that is not there."""

MARKS: Final = "_applied"
"""The field in which the engine notes which updates were made already: a list to which both sides may have added."""

REST: Final[Path] = ()
"""Stands for all paths that are not named: when they were written, or, of changes, since when they are absent."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was written at a path at a time (ms), and what stood there when both sides last agreed."""

    at: int
    base: Any
    value: Any


def flatten(document: Mapping[str, Any]) -> dict[Path, Any]:
    """Every path with its value; an empty object is a value."""
    flat: dict[Path, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            flat.update({(name, inner): each for inner, each in value.items()})
        else:
            flat[name,] = value
    return flat


def unflatten(flat: Mapping[Path, Any]) -> dict[str, Any]:
    """The document of these paths. A field that one side made an object of and the other a value is an object."""
    document: dict[str, Any] = {path[0]: value for path, value in flat.items() if len(path) == 1}
    for path, value in flat.items():
        if len(path) == 2:
            held = document.get(path[0])
            if not isinstance(held, dict):
                held = document[path[0]] = {}
            held[path[1]] = value
    return document


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], at: int, known: Mapping[Path, Change]
) -> dict[Path, Change]:
    """``known`` with what differs between two states of a document, written at ``at`` (ms)."""
    old, new = flatten(before), flatten(after)
    found = dict(known)
    for path in old.keys() | new.keys():
        was, now = old.get(path, ABSENT), new.get(path, ABSENT)
        if not _same(was, now):
            found[path] = Change(at, known[path].base if path in known else was, now)
    return found


def merge(
    theirs: Mapping[str, Any],
    stamps: Mapping[Path, int],
    written: int,
    ours: Mapping[Path, Change],
) -> tuple[dict[str, Any], dict[Path, int]]:
    """Their document with our changes, and the stamps of what a merge decided.

    ``stamps`` are those of earlier merges, ``written`` (ms) is when their document was last written otherwise. A field
    that still stands as it did when both sides agreed is ours to change; of two changes the later one wins.
    """
    flat = flatten(theirs)
    decided = dict(stamps)
    if rest := ours.get(REST):
        for path in flat.keys() - ours.keys():
            if stamps.get(path, stamps.get(REST, written)) < rest.at:
                del flat[path]
                decided[path] = rest.at
        decided[REST] = max(stamps.get(REST, written), rest.at)
    for path, change in ours.items():
        if path == REST:
            continue
        held = flat.get(path, ABSENT)
        if path == (MARKS,):
            flat[path] = _joined(held, change.value)
            continue
        if path in stamps:
            at = stamps[path]
        elif _same(held, change.base):
            at = -1
        else:
            at = stamps.get(REST, written)
        if (change.at, _rank(change.value)) > (at, _rank(held)):
            decided[path] = change.at
            if change.value is ABSENT:
                flat.pop(path, None)
            else:
                flat[path] = change.value
        else:
            decided[path] = at
    return unflatten(flat), decided


def whole(document: Mapping[str, Any], written: int, known: Mapping[Path, Change]) -> dict[Path, Change]:
    """A whole document as changes: what was not changed apart was written at ``written`` (ms), over nothing."""
    everything = {path: Change(written, _NOTHING, value) for path, value in flatten(document).items()}
    everything[REST] = Change(written, _NOTHING, ABSENT)
    for path, change in known.items():
        everything[path] = Change(change.at, _NOTHING, change.value)
    return everything


def begun_anew(known: Mapping[Path, Change], since: int = 0) -> dict[Path, Change]:
    """The changes after ``since`` (ms) as those of a document that was empty then."""
    return {path: replace(change, base=ABSENT) for path, change in known.items() if change.at > since}


def later(document: Mapping[str, Any], stamps: Mapping[Path, int], at: int) -> dict[Path, Change]:
    """As changes, what was written after ``at`` (ms), as far as stamps tell."""
    flat = flatten(document)
    named = {path: stamp for path, stamp in stamps.items() if path != REST and stamp > at}
    return {path: Change(stamp, _NOTHING, flat.get(path, ABSENT)) for path, stamp in named.items()}


def since(document: Mapping[str, Any], stamps: Mapping[Path, int], at: int) -> dict[str, Any]:
    """The document, without what was or may have been written by ``at`` (ms)."""
    found = later(document, stamps, at)
    return unflatten({path: change.value for path, change in found.items() if change.value is not ABSENT})


_NOTHING: Final = object()
"""Equal to no value: a base that never stands in for an agreement."""


def _same(one: Any, other: Any) -> bool:
    return _rank(one) == _rank(other)


def _rank(value: Any) -> bytes:
    """Orders values written in the same millisecond, the same way everywhere; ABSENT loses to everything."""
    if value is ABSENT:
        return b""
    if value is _NOTHING:
        return b"\0"
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _joined(theirs: Any, ours: Any) -> list[Any]:
    """Both lists' elements, sorted, so that the order of merging shows nowhere."""
    both = [*(theirs if isinstance(theirs, list) else []), *(ours if isinstance(ours, list) else [])]
    return sorted({str(each) for each in both})


def encode_changes(found: Mapping[Path, Change]) -> list[Any]:
    """As JSON values: ``[path, at, [base] or [], [value] or []]``."""
    return [[list(path), each.at, _boxed(each.base), _boxed(each.value)] for path, each in found.items()]


def decode_changes(encoded: list[Any]) -> dict[Path, Change]:
    return {tuple(path): Change(at, _unboxed(base), _unboxed(value)) for path, at, base, value in encoded}


def encode_stamps(stamps: Mapping[Path, int]) -> bytes:
    """Sorted, so that equal stamps are equal bytes; empty where there are none."""
    return orjson.dumps(sorted([list(path), at] for path, at in stamps.items())) if stamps else b""


def decode_stamps(raw: bytes | None) -> dict[Path, int]:
    """``CorruptRow`` where they are none."""
    try:
        return {tuple(path): at for path, at in orjson.loads(raw)} if raw else {}
    except (ValueError, TypeError) as error:
        raise CorruptRow("stored times can't be read") from error


def _boxed(value: Any) -> list[Any]:
    return [] if value is ABSENT else [value]


def _unboxed(box: list[Any]) -> Any:
    return box[0] if box else ABSENT
