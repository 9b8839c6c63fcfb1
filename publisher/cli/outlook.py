"""What comes next for a delivery, and which command changes it. Decides nothing, does nothing."""

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
        return "nothing until it is released; the reader's next edition takes its place", [_command("release", it.id)]
    why = why_not_again(standing)
    if why:
        return f"nothing: {why}", []
    again = [_command("retry", it.id)]
    return "its articles come with the reader's next edition, unless it is tried again before", again


def _waiting(it: Delivery, standing: Standing) -> tuple[str, list[str]]:
    hold = _command("hold", it.id)
    if standing.edition != "running":
        return f"nothing: its edition is {standing.edition}", [_command("resume", it.edition_id or 0), hold]
    if it.state == DeliveryState.QUEUED or it.next_attempt_at is None:
        return "it goes out when its turn comes", [hold]
    return f"it is tried again at {_at(it.next_attempt_at)}", [_command("retry", it.id), hold]


def _doubtful(it: Delivery, standing: Standing) -> tuple[str, list[str]]:
    resolve = [f"{_command('resolve', it.id)} --as {what}" for what in ("accepted", "repeat", "lost")]
    if it.next_attempt_at is not None and standing.edition == "running":
        return f"it is sent again at {_at(it.next_attempt_at)}, with the same Message-ID", resolve
    return "nothing until it is resolved; the reader's next edition waits for it", resolve


def _command(name: str, ident: int) -> str:
    return f"publisher outbox {name} {ident}"


def _at(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC")
