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


async def one_by_one(wire: Wire, commands: Sequence[str], patience: float) -> Said:
    """The replies up to the first that is no go-ahead, each waited for `patience` seconds. Raises NoReplyError."""
    said: Said = []
    for command in commands:
        wire.write(command.encode())
        said += await wire.replies(1, patience)
        if refused(said) is not None:
            break
    return said


async def in_one_piece(wire: Wire, commands: Sequence[str], patience: float) -> Said:
    """The replies to all commands, or to those before the server refused and closed. Raises LostTrackError."""
    wire.write("".join(commands).encode())
    try:
        said = await wire.replies(len(commands), patience)
    except NoReplyError as error:
        said = wire.said()
        if not said or not wire.closed or said[-1][0] // 100 not in (4, 5):
            raise LostTrackError(str(error)) from error
    if mixed_up(said):
        raise LostTrackError(f"answers out of order: {' '.join(str(code) for code, _ in said)}")
    return said


def refused(said: Said) -> int | None:
    """Which of these replies to MAIL, RCPT and DATA is the first that is no go-ahead; None: all are."""
    for at, (code, _) in enumerate(said):
        if code // 100 != GOOD[at]:
            return at
    return None


def mixed_up(said: Said) -> bool:
    """Whether these cannot be the answers to MAIL, RCPT and DATA, in this order, of a server that keeps count."""
    first = refused(said)
    if first is None:
        return False
    code = said[first][0]
    # A transaction without a sender takes no recipient.
    after_mail = first == 0 and any(later < 400 for later, _ in said[1:])
    return code < 400 or code in UNKNOWN or after_mail
