"""The role of each line of a plain text."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.intake import plain
from publisher.intake.plain import Piece
from publisher.intake.roles import Role

UTC = ZoneInfo("UTC")
SCRAPE = """\
Sport

Ferry crew wins the raft race at Elmouth

Nobody had expected it, least of all the ferryFerry crew wins the raft race at Elmouth

By Ada Quill and Bo Fenn

3 November 2026

The crew at the finish © Elmouth Press / C. Dray

The crew of the Elmouth ferry won the raft race on Sunday by the length of a door, which is what their raft was made of.

READ MORE: Where old doors go

Their captain, who is seventy, said that the tide had done most of the work. The others had only steered and sung.

What comes next

The race will be held again in a year, and the door has been put back where it was, as the landlord had asked.

Leave a Reply

Back to top
"""
ROLES = ["section", "headline", "standfirst", "headline", "byline", "date", "caption", "body", "promo", "body", "subheading", "body", "furniture", "furniture"]


def test_each_line_has_its_role() -> None:
    """A scrape is told apart line by line, a glued one in its two pieces."""
    assert [str(piece.role) for piece in plain.roles(SCRAPE)] == ROLES


def test_roles_and_article_agree() -> None:
    """What has the body's roles is the article's body, and the fields are the lines of theirs."""
    page = plain.parse(SCRAPE, UTC)
    assert page is not None
    of_body = [piece.text for piece in plain.roles(SCRAPE) if piece.role in ("body", "subheading", "quotation", "list")]
    assert list(page.body) == of_body
    assert (page.title, page.section) == ("Ferry crew wins the raft race at Elmouth", "Sport")
    assert page.standfirst == "Nobody had expected it, least of all the ferry"
    assert page.authors == ("Ada Quill", "Bo Fenn")
    assert page.published_at is not None
    assert page.published_at.date().isoformat() == "2026-11-03"
    assert (page.caption, page.credit) == ("The crew at the finish", "Elmouth Press / C. Dray")
    assert [story.title for story in page.related] == ["Where old doors go"]


def test_a_text_that_is_all_body_loses_nothing() -> None:
    """Where no line is a headline, each paragraph is body, in order."""
    paragraphs = [f"The {name} was seen on the river again this morning, and it went up with the tide as it always had." for name in ("swan", "otter", "heron")]
    assert plain.roles("\n\n".join(paragraphs)) == [Piece(paragraph, Role.BODY) for paragraph in paragraphs]


@pytest.mark.parametrize(
    ("line", "authors"),
    [
        ("By Ada Quill and Bo Fenn", ("Ada Quill", "Bo Fenn")),
        ("Von unserer Reporterin Ada Quill", ("Ada Quill",)),
        ("Par Ada Quill et Bo Fenn", ("Ada Quill", "Bo Fenn")),
        ("Por Ada Quill", ("Ada Quill",)),
        ("Автор: Ада Квіл", ("Ада Квіл",)),
        ("بقلم: هدى سلوم", ("هدى سلوم",)),
        ("Interview by Ada Quill", ("Ada Quill",)),
        ("Ada Quill, river correspondent", ("Ada Quill",)),
    ],
)
def test_bylines_of_many_languages(line: str, authors: tuple[str, ...]) -> None:
    """Below the headline, a line that names people as they sign is the byline."""
    page = plain.parse(SCRAPE.replace("By Ada Quill and Bo Fenn", line), UTC)
    assert page is not None
    assert page.authors == authors


@given(st.lists(st.text(alphabet="ab .:-©\nT1“”", max_size=90), max_size=12).map("\n\n".join))
def test_I12_whatever_the_text_no_line_is_lost(text: str) -> None:
    """Each visible character is in one piece, in order, and pieces have known roles."""
    pieces = plain.roles(text)
    assert "".join("".join(piece.text for piece in pieces).split()) == "".join(text.split())
