"""When a JunkJet session ends and what it keeps (seed 000)."""

from __future__ import annotations

from typing import Final

from memory import Extension, SessionPolicy

POLICY: Final = SessionPolicy(
    inactivity=300,
    extension=Extension(after_turns=6, seconds=120),
    keep_turns=5,  # ten messages
    history_ttl=600,  # twice the session: who comes back after seven minutes is remembered
    durability="disk",
)
