"""When what failed is tried again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

_FIRST, _LONGEST = timedelta(seconds=2), timedelta(hours=6)
#: What fails for so long is given up.
_PATIENCE = timedelta(days=1)
#: Questions that get no answer are asked again after these times, and then no more.
_QUESTIONS = (timedelta(seconds=5), timedelta(seconds=30))


def next_try(failing_since: datetime | None, now: datetime, jitter: float) -> datetime | None:
    """When to try again what fails since then (None: since now); None: it is given up.

    Waits as long again as it has failed so far, so that each wait is twice the one before; `jitter` in [0, 1).
    """
    failing = now - failing_since if failing_since else timedelta()
    if failing >= _PATIENCE:
        return None
    return now + min(max(failing, _FIRST), _LONGEST) * (1 + jitter / 4)


def next_question(tries: int, now: datetime) -> datetime | None:
    """When to ask a callback again that has not answered after `tries` questions before; None: no more."""
    return now + _QUESTIONS[tries] if tries < len(_QUESTIONS) else None
