"""What a message that came in says: who, what, and why we think so. Pure; nothing of it is proven.

    bytes | bounded tree | feedback report? delivery status? request to leave? bounce in words? automatic answer? letter
          -> Finding: class, kind, address, code, words, rule
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from publisher.inbound import automatic, fields, prose, rules
from publisher.inbound.fields import Recipient
from publisher.inbound.mime import Part
from publisher.inbound.rules import Rule
from publisher.inbound.scan import failed_addresses
from publisher.incoming import Finding, Letter, ReportClass, ReportKind
from publisher.text import one_line, shorten

_ARRIVED = ("delivered", "relayed", "expanded")
#: Characters of a reason that are kept.
_REASON = 300
#: Feedback types of RFC 5965 and its registry that are no complaint about us.
_NO_COMPLAINT = ("not-spam", "auth-failure", "dmarc")


def classify(message: Part, words: str, letter: Letter, own: Sequence[Rule] = ()) -> Finding:
    """The finding. `message`: the letter as a tree; `words`: what it says itself (`publisher.inbound.prose`)."""
    found = _complaint(message)
    if found is None and (told := fields.recipients(message)):
        found = _status(message, words, told, own)
    if found is None:
        found = _receipt(message) or _leaving(message, words, letter.recipients)
    if found is None and _is_bounce(message):
        found = _in_words(message, words, letter.content, own)
    return found or _by_hand_or_not(message, words, letter.content, own)


# --- complaints ------------------------------------------------------------------------------------------------------


def _complaint(message: Part) -> Finding | None:
    """A feedback report (RFC 5965), or one in a form of its own: our message, with the recipient in a field."""
    told = fields.feedback(message)
    inside = _enclosed(message)
    if told is None:
        address = inside.get("x-hmxmroriginalrecipient") if inside else ""
        if inside is None or not address:
            return None
        address = fields.address_in(address)
        return Finding(ReportClass.COMPLAINT, ReportKind.COMPLAINT, address, "", _subject(message), "complaint")
    kind = told.get("feedback-type", "abuse").strip().lower()
    named = (told.get(name, "") for name in ("original-rcpt-to", "removal-recipient", "redacted-address"))
    address = next((found for value in named if (found := fields.address_in(value))), "")
    if not address and inside is not None:
        address = _first_address(inside, ("x-hmxmroriginalrecipient", "delivered-to", "x-original-to", "to"))
    reason = shorten(one_line(f"{kind}: {told.get('user-agent', '')} {told.get('source-ip', '')}"), _REASON)
    if kind in _NO_COMPLAINT:
        return Finding(ReportClass.OTHER, ReportKind.RECEIPT, _redacted(address), "", reason, f"feedback {kind}")
    if kind.startswith("opt-out"):
        asked = ReportClass.UNSUBSCRIBE, ReportKind.UNSUBSCRIBE
        return Finding(*asked, _redacted(address), "", reason, f"feedback {kind}")
    return Finding(ReportClass.COMPLAINT, ReportKind.COMPLAINT, _redacted(address), "", reason, f"feedback {kind}")


def _redacted(address: str) -> str:
    """The address, or nothing where what stands there only keeps its place."""
    local = address.partition("@")[0].lower()
    return "" if "redact" in local or set(local) <= set("x*-_.") else address


# --- delivery status -------------------------------------------------------------------------------------------------


def _status(message: Part, words: str, told: Sequence[Recipient], own: Sequence[Rule]) -> Finding | None:
    """By the machine-readable part: the first recipient that failed, else that waits, else that got it."""
    failed = [one for one in told if one.action not in (*_ARRIVED, "delayed") and not one.status.startswith("2")]
    delayed = [one for one in told if one.action == "delayed"]
    first = next(iter((*failed, *delayed, *told)))
    address = first.address or _failed_field(message) or _by_words(message, words)
    if first.action in _ARRIVED or first.status.startswith("2"):
        return Finding(ReportClass.OTHER, ReportKind.RECEIPT, address, first.status, first.action, "arrived")
    code = _code(first, words, address)
    if first in delayed:
        reason = shorten(one_line(first.diagnostic or prose.about(words, address)), _REASON)
        return Finding(ReportClass.SOFT, ReportKind.DELAY, address, code.enhanced or code.basic, reason, "delayed")
    return _judged(address, code, first.diagnostic, words, own)


def _code(one: Recipient, words: str, address: str) -> prose.Codes:
    """The codes of a refusal: the status, unless it says nothing (x.0.0) and the server's own words say more."""
    said = prose.codes_in(one.diagnostic)
    if not said.enhanced and not said.basic and one.status.endswith(".0.0"):
        said = prose.codes_in(prose.about(words, address))
    vague = not one.status or one.status.endswith(".0.0")
    same = said.enhanced[:1] == one.status[:1] or not one.status
    return prose.Codes(said.enhanced if vague and said.enhanced and same else one.status, said.basic)


def _judged(address: str, code: prose.Codes, diagnostic: str, words: str, own: Sequence[Rule]) -> Finding:
    """By the server's words; where they say nothing by the report's own; else by the code."""
    texts = [text for text in (diagnostic, prose.about(words, address), words) if text.strip()] or [""]
    ruling = rules.judge(texts, code.enhanced, code.basic, own)
    return Finding(
        ruling.report_class, ReportKind.BOUNCE, address, code.enhanced or code.basic,
        shorten(_around(texts[ruling.text], ruling.words), _REASON), ruling.rule,
    )


def _around(text: str, words: str) -> str:
    """The words that decided, with what stands around them."""
    line = one_line(text)
    at = line.lower().find(words.lower()) if words else 0
    return line if len(line) <= _REASON or at < _REASON // 2 else line[max(0, at - 100) :]


# --- bounces in words ------------------------------------------------------------------------------------------------


def _is_bounce(message: Part) -> bool:
    """Whether a mail system says in words that something did not arrive."""
    if message.get("x-failed-recipients") or automatic.from_system(message):
        return True
    if automatic.tells_of_failure(message):
        return not automatic.asks_to_leave(message)
    return automatic.has_no_sender(message) and not automatic.answers_by_itself(message)


def _in_words(message: Part, words: str, content: bytes, own: Sequence[Rule]) -> Finding:
    address = _failed_field(message) or next(iter(failed_addresses(content)), "") or _by_words(message, words)
    said = prose.codes_in(prose.about(words, address))
    if not (said.enhanced or said.basic):
        said = prose.codes_in(words)
    found = _judged(address, said, "", words, own)
    return replace(found, kind=ReportKind.DELAY, report_class=ReportClass.SOFT) if prose.still_trying(words) else found


def _failed_field(message: Part) -> str:
    """The first address in X-Failed-Recipients, which Exim and others write."""
    return fields.address_in(message.get("x-failed-recipients"))


def _by_words(message: Part, words: str) -> str:
    """The likeliest recipient that the report's words name; else whom our message, as enclosed, was for."""
    mine = frozenset(
        found[1].lower() for name in ("from", "to", "return-path", "delivered-to", "sender", "reply-to")
        for found in fields.ADDRESS.finditer(message.get(name))
    )
    found = prose.candidates(words, mine)
    inside = _enclosed(message)
    ours = {match[1].lower() for match in fields.ADDRESS.finditer(inside.get("from"))} if inside else set()
    chosen = next((address for address in found if address.lower() not in ours), "")
    if chosen or inside is None:
        return chosen
    return _first_address(inside, ("x-failed-recipients", "to", "delivered-to"))


def _first_address(part: Part, names: Sequence[str]) -> str:
    return next((found for name in names if (found := fields.address_in(part.get(name)))), "")


def _enclosed(message: Part) -> Part | None:
    """Our own message within it, or its header fields."""
    holders = (part for part in message.walk() if part.parts and not part.content_type.startswith("multipart/"))
    return next((part.parts[0] for part in holders), None)


# --- all else --------------------------------------------------------------------------------------------------------


def _receipt(message: Part) -> Finding | None:
    """A disposition notification (RFC 8098): somebody's program tells what became of it after it arrived."""
    if not any(part.content_type in fields.RECEIPT_TYPES for part in message.walk()):
        return None
    told = ReportClass.OTHER, ReportKind.RECEIPT
    return Finding(*told, _sender(message), "", _subject(message), "disposition notification")


def _leaving(message: Part, words: str, recipients: Sequence[str]) -> Finding | None:
    """A mail to the address in List-Unsubscribe, or one whose subject or first line asks for nothing else."""
    if automatic.from_system(message) or automatic.tells_of_failure(message):
        return None
    to = (*recipients, *(message.get(name) for name in ("to", "delivered-to", "x-original-to", "envelope-to")))
    named = any("unsubscribe+" in one.lower() for one in to)
    asked = automatic.asks_to_leave(message, words) and not automatic.is_bulk(message)
    # Providers write such mail for their readers, and may say so (Auto-Submitted).
    if not asked and (not named or automatic.answers_by_itself(message)):
        return None
    rule = "to the unsubscribe address" if named else "asks to leave"
    return Finding(ReportClass.UNSUBSCRIBE, ReportKind.UNSUBSCRIBE, _sender(message), "", _subject(message), rule)


def _by_hand_or_not(message: Part, words: str, content: bytes, own: Sequence[Rule]) -> Finding:
    """What is left: challenges, automatic answers, bounces in a shape that only the second reader knows, letters."""
    sender, subject = _sender(message), _subject(message)
    if automatic.asks_whether_human(message):
        return Finding(ReportClass.OTHER, ReportKind.CHALLENGE, sender, "", subject, "challenge")
    if automatic.answers_by_itself(message):
        return Finding(ReportClass.OTHER, ReportKind.AUTOMATIC, sender, "", subject, "automatic answer")
    if failed_addresses(content):
        return _in_words(message, words, content, own)
    if automatic.is_bulk(message):
        return Finding(ReportClass.OTHER, ReportKind.AUTOMATIC, sender, "", subject, "sent to many")
    return Finding(ReportClass.OTHER, ReportKind.LETTER, sender, "", subject, "letter")


def _sender(message: Part) -> str:
    return fields.address_in(message.get("from"))


def _subject(message: Part) -> str:
    return shorten(one_line(message.get("subject")), _REASON)
