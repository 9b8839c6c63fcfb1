"""What sort of mail it is, from its header fields: a machine's report, an automatic answer, a question. Pure.

Auto-Submitted is RFC 3834's; the rest is what programs put there before it, or instead.
"""

from __future__ import annotations

from publisher.inbound import telltales
from publisher.inbound.mime import Part
from publisher.inbound.rules import plain


def from_system(message: Part) -> bool:
    """Whether a mail system wrote it, by its sender; not where the subject is that of an automatic answer."""
    sender = message.get("from")[:300].lower()
    address = sender.rpartition("<")[2].rstrip(">").strip() if "<" in sender else sender.strip()
    named = telltales.SYSTEM.match(address.partition("@")[0]) or telltales.SYSTEM_NAME.search(sender.partition("<")[0])
    return named is not None and not _answers(message)


def has_no_sender(message: Part) -> bool:
    """Whether its envelope had none, as that of a report (RFC 5321 section 4.5.5)."""
    return message.get("return-path").strip().lower() in ("<>", "<mailer-daemon>", '<"">')


def tells_of_failure(message: Part) -> bool:
    """Whether its subject is that of a report about mail that did not arrive."""
    return telltales.FAILED.search(plain(message.get("subject")[:300])) is not None


def answers_by_itself(message: Part) -> bool:
    """Whether it is an automatic answer: a vacation note, an acknowledgement, a ticket."""
    submitted = message.get("auto-submitted").lower()
    if submitted.startswith(("auto-replied", "auto-generated", "auto-notified")):
        return True
    if any(message.get(name) for name in telltales.ANSWERERS):
        return True
    precedence = (message.get("precedence") or message.get("x-precedence")).strip().lower()
    if precedence in ("auto_reply", "auto-reply", "autoreply"):
        return True
    return _answers(message)


def _answers(message: Part) -> bool:
    return telltales.AUTOMATIC.search(plain(message.get("subject")[:300]).removeprefix("re: ")) is not None


def is_bulk(message: Part) -> bool:
    """Whether it went to many: nobody wrote it to us."""
    precedence = message.get("precedence").strip().lower()
    return precedence in ("bulk", "junk", "list") or bool(message.get("list-id") or message.get("list-unsubscribe"))


def asks_whether_human(message: Part) -> bool:
    """Whether it is a challenge: it wants a person to answer before it lets mail through."""
    if any(message.get(name) for name in telltales.CHALLENGERS):
        return True
    return telltales.CHALLENGE.search(plain(message.get("subject")[:300])) is not None


def asks_to_leave(message: Part, words: str = "") -> bool:
    """Whether its subject, or the first line of its `words`, asks to be taken off the list, and says nothing else."""
    first = next((line for line in words.splitlines() if line.strip()), "")
    asked = (plain(text[:200]) for text in (message.get("subject"), first))
    return any(telltales.UNSUBSCRIBE.fullmatch(text) for text in asked if text)
