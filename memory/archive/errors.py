"""What can go wrong with the archive.

ParleyError
├── StoreUnavailable
│   └── ArchiveUnavailable   locked, full, away, not migrated: nothing was written
└── SessionExists            an import whose session id is taken
"""

from __future__ import annotations

from memory.errors import ParleyError, StoreUnavailable


class ArchiveUnavailable(StoreUnavailable):
    """The database could not do it, and did nothing of it. ``why`` reads on from "The archive store …"."""

    def __init__(self, why: str = "did not answer") -> None:
        super().__init__("archive", why)
        self.why = why


class SessionExists(ParleyError):
    """Nothing was imported: there is a session of that id already."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is a session {session_id} already; delete it first, or import under another id")
        self.session_id = session_id
