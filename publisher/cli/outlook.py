"""What comes next for a delivery or a notice, and which command changes it. Decides nothing, does nothing."""

from __future__ import annotations

from datetime import datetime

from publisher.delivery_state import Standing, why_not_again
from publisher.outgoing import SENDABLE, Delivery, DeliveryState


def outlook(it: Delivery, standing: Standing) -> tuple[str, list[str]]:
    """(what happens next by itself, the commands that apply) of a delivery as it stands."""
    if it.state in SENDABLE:
        return _waiting(it, standing)
    if it.state == DeliveryState.IN_DOUBT:
        return _doubtful(it, standing)
    if it.state == DeliveryState.HELD:
        instead = "" if standing.notice else "; the reader's next edition takes its place"
        return f"nothing until it is released{instead}", [_command("release", it, standing)]
    why = why_not_again(standing)
    if why:
        return f"nothing: {why}", []
    again = [_command("retry", it, standing)]
    if standing.notice:
        return "nothing, unless it is tried again or asked for again", again
    return "its articles come with the reader's next edition, unless it is tried again before", again


def _waiting(it: Delivery, standing: Standing) -> tuple[str, list[str]]:
    hold = _command("hold", it, standing)
    if standing.edition != "running":
        return f"nothing: its edition is {standing.edition}", [f"publisher outbox resume {it.edition_id}", hold]
    if it.state == DeliveryState.QUEUED or it.next_attempt_at is None:
        return "it goes out when its turn comes", [hold]
    return f"it is tried again at {_at(it.next_attempt_at)}", [_command("retry", it, standing), hold]


def _doubtful(it: Delivery, standing: Standing) -> tuple[str, list[str]]:
    resolve = [f"{_command('resolve', it, standing)} --as {what}" for what in ("accepted", "repeat", "lost")]
    if it.next_attempt_at is not None and standing.edition == "running":
        return f"it is sent again at {_at(it.next_attempt_at)}, with the same Message-ID", resolve
    waits = "" if standing.notice else "; the reader's next edition waits for it"
    return f"nothing until it is resolved{waits}", resolve


def _command(name: str, it: Delivery, standing: Standing) -> str:
    return f"publisher outbox {name} {it.id}{' --notices' if standing.notice else ''}"


def _at(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC")
