"""How much an article changed. Vocabulary, like `publisher.model`."""

from __future__ import annotations

from enum import StrEnum


class Change(StrEnum):
    """How much an article changed for those who read it. See `publisher.intake.change` for the rule."""

    NONE = "none"
    MINOR = "minor"
    """The same words: `updated_at` stays."""
    CORRECTION = "correction"
    SUBSTANTIAL = "substantial"
