"""Places in a rendered message that are filled for each recipient.

A slot is a name between two private-use characters. `publisher.text.clean` takes these characters out of every
article, so no article can open a slot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

OPEN = "\ue000"
CLOSE = "\ue001"

UNSUBSCRIBE_URL = f"{OPEN}unsubscribe{CLOSE}"
PREFERENCES_URL = f"{OPEN}preferences{CLOSE}"
EMAIL = f"{OPEN}email{CLOSE}"
ALL = (UNSUBSCRIBE_URL, PREFERENCES_URL, EMAIL)

_SLOT = re.compile(f"{OPEN}[a-z]*{CLOSE}?|{CLOSE}")


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with each slot replaced by its value; `values` maps slots (as `UNSUBSCRIBE_URL`) to text.

    Raises KeyError for a slot without a value, or half a slot: a message with an open slot must never leave.
    """
    return _SLOT.sub(lambda match: values[match.group(0)], text)


def split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`text` without its slots, cut where they stood, and the slots: one fewer. Raises KeyError for half a slot."""
    found = tuple(_SLOT.findall(text))
    for slot in found:
        if slot not in ALL:
            raise KeyError(slot)
    return tuple(_SLOT.split(text)), found
