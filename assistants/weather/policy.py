"""When a weather session ends (seed 003): after half an hour, a quarter of an hour of silence, or twenty turns."""

from __future__ import annotations

from typing import Final

from memory import SessionPolicy

POLICY: Final = SessionPolicy(duration=1800, inactivity=900, max_turns=20, keep_turns=20)
"""The defaults; SESSION_DURATION, INACTIVITY_TIMEOUT and MAX_CONVERSATIONS_PER_SESSION replace them."""
