"""Who asks to leave, and who only answers a headline."""

from __future__ import annotations

import pytest

from publisher.inbound.report import report_of
from publisher.incoming import Letter, ReportClass


def judged(subject: str, body: str = "", **fields: str) -> ReportClass:
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    content = f"From: Jo <jo@d.example>\r\nTo: digest@example.org\r\n{head}Subject: {subject}\r\n\r\n{body}\r\n"
    return report_of(Letter(content.encode(), "imap")).finding.report_class


@pytest.mark.parametrize(
    "subject",
    [
        "unsubscribe", "Unsubscribe me", "Re: unsubscribe", "Please unsubscribe me from The Daily Courier", "UNSUBSCRIBE!", "remove me from your list",
        "stop", "Stop sending", "Abmelden", "Bitte abmelden", "Newsletter abbestellen", "Désabonnement", "Baja", "darme de baja", "Cancelar suscripción",
        "Uitschrijven", "Disiscrizione", "Отписаться", "退订", "opt out", "i would like to unsubscribe, thanks",
    ],
)
def test_subject_that_asks_to_leave(subject: str) -> None:
    """In many languages, and nothing else beside it."""
    assert judged(subject) is ReportClass.UNSUBSCRIBE


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Stop the war", "Re: Remove plastics from the sea, says minister", "Re: Baja California in pictures", "Cancel culture, again",
        "How do people unsubscribe from a church?", "Re: Opt-out organ donation: a year on", "Kündigung eines Bürgermeisters", "Re: The Daily Courier",
    ],
)
def test_answer_to_a_headline_is_a_letter(subject: str) -> None:
    """Nobody is taken off for what they write about."""
    assert judged(subject, "I liked this story.") is ReportClass.OTHER


def test_first_line_counts_as_the_subject_does() -> None:
    """Of a reply above the quoted message; a longer letter that has the word in it is a letter."""
    quoted = "\r\n\r\n> unsubscribe\r\n> News"
    assert judged("Re: The Daily Courier", "Please unsubscribe me." + quoted) is ReportClass.UNSUBSCRIBE
    assert judged("Re: The Daily Courier", "I nearly wanted to unsubscribe, but then I read this." + quoted) is ReportClass.OTHER
    assert judged("Unsubscribe", Precedence="list", List_Id="<other.example.net>") is ReportClass.OTHER
