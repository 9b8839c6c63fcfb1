"""The second reader: flufl.bounce, which knows the shapes of old mail systems; the only code that knows it.

It can raise on what it does not expect, and reads as much as it is given: so it gets little, and may fail. It judges
nothing here: of what it finds only the addresses count.
"""

from __future__ import annotations

import logging
from email import message_from_bytes
from email.policy import compat32

from flufl.bounce import all_failures

# It tells a traceback of each report that one of its detectors does not understand, which says nothing to anybody.
logging.getLogger("flufl.bounce").disabled = True

#: Bytes that it gets.
_LONGEST = 40_000
#: Lines in them that may be boundaries, and parts that hold others: Python's parser has no bounds of its own.
_BOUNDARIES = 60


def failed_addresses(content: bytes) -> tuple[str, ...]:
    """The addresses that this report says failed, in the order of their names; none where it is not understood."""
    data = content[:_LONGEST]
    if data.count(b"\n--") > _BOUNDARIES or data.lower().count(b"content-type") > _BOUNDARIES:
        return ()
    try:
        passing, final = all_failures(message_from_bytes(data, policy=compat32))
    except Exception:  # noqa: BLE001 - it is a guess: whatever is wrong with it, the report stands without
        return ()
    found = sorted(final) or sorted(passing)
    return tuple(address.decode("utf-8", "replace") for address in found)
