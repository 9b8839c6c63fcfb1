"""The commands before a message, and whether the answers to them are answers (RFC 5321 section 3.3, RFC 2920).

    MAIL, RCPT, DATA | in one piece, or one by one -> replies up to the first refusal, or: the server lost track
"""

from __future__ import annotations

from collections.abc import Sequence

from publisher.mail.wire import NoReplyError, Wire

#: First digits of the replies to MAIL, RCPT and DATA that let the transaction go on.
GOOD = (2, 2, 3)
#: The server does not know the command, or not here (RFC 5321 section 4.2.2): nothing about a recipient or a message.
UNKNOWN = (500, 501, 502, 503, 504)

Said = list[tuple[int, bytes]]


class LostTrackError(NoReplyError):
    """Commands that came in one piece were lost, or their answers mixed up: what was said is no answer to anything."""


async def one_by_one(wire: Wire, commands: Sequence[bytes], patience: float) -> Said:
    """The replies up to the first that is no go-ahead, each waited for `patience` seconds. Raises NoReplyError."""
    said: Said = []
    for number, command in enumerate(commands):
        wire.write(command)
        said += await wire.replies(1, patience)
        if said[-1][0] // 100 != GOOD[number]:
            break
    return said


async def in_one_piece(wire: Wire, commands: Sequence[bytes], patience: float) -> Said:
    """The replies to all commands, or to those before the server refused and closed. Raises LostTrackError."""
    wire.write(b"".join(commands))
    try:
        said = await wire.replies(len(commands), patience)
    except NoReplyError as error:
        said = wire.said()
        if not said or not wire.closed or said[-1][0] // 100 not in (4, 5):
            raise LostTrackError(str(error)) from error
    if mixed_up([code for code, _ in said]):
        raise LostTrackError(f"answers out of order: {' '.join(str(code) for code, _ in said)}")
    return said


def mixed_up(codes: Sequence[int]) -> bool:
    """Whether these codes cannot be the answers to MAIL, RCPT and DATA, in this order, of a server that keeps count."""
    first = next((at for at, code in enumerate(codes) if code // 100 != GOOD[at]), None)
    if first is None:
        return False
    # A transaction without a sender takes no recipient.
    after_mail = first == 0 and any(code < 400 for code in codes[1:])
    return codes[first] < 400 or codes[first] in UNKNOWN or after_mail
