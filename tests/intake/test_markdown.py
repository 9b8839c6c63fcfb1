"""Markdown and its front matter."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publisher.errors import DocumentError
from publisher.intake.markdown import parse
from publisher.model import ArticleStatus, Extracted, Related

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BODY = "\n\nThe text of the article.\n"


def made(text: str, path: str = "in.md", zone: ZoneInfo = UTC_ZONE) -> Extracted:
    return parse(text, zone, "https://courier.example.org/", now=NOW, path=path)


def refused(text: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        made(text)
    return caught.value


def test_every_field_is_read() -> None:
    """All that front matter may say arrives in its field."""
    found = made(
        "---\ntitle: 'A: title'\npublished: 2026-11-05T07:30:00Z\nupdated: 2026-11-06\nsection: Science\nsummary: In short\n"
        "author: Ann Other and Ben Some\ntags: [a, b]\nslug: My Slug\nlang: en_GB\nimage: /i.png\ncaption: C\ncredit: D\n"
        "related:\n  - {title: One, url: https://example.org/1}\n  - Two\ncanonical: https://courier.example.org/news/one\nguid: 007\n---" + BODY
    )
    assert found == Extracted(
        title="A: title",
        content_text="The text of the article.",
        content_html="<p>The text of the article.</p>",
        section="Science",
        standfirst="In short",
        authors=("Ann Other", "Ben Some"),
        tags=("a", "b"),
        language="en-GB",
        published_at=datetime(2026, 11, 5, 7, 30, tzinfo=UTC),
        updated_at=datetime(2026, 11, 6, tzinfo=UTC),
        image="https://courier.example.org/i.png",
        caption="C",
        credit="D",
        related=(Related("One", "https://example.org/1"), Related("Two")),
        source_url="https://courier.example.org/news/one",
        source_id="007",
        slug="my-slug",
    )


def test_toml_says_the_same() -> None:
    """TOML between plus signs is front matter too, with its own dates and lists."""
    found = made('+++\ntitle = "T"\ndate = 2026-11-05T07:30:00+01:00\ncategories = ["News"]\nauthors = ["A B"]\ndraft = true\n+++' + BODY)
    assert (found.title, found.section, found.authors) == ("T", "News", ("A B",))
    assert found.published_at == datetime(2026, 11, 5, 6, 30, tzinfo=UTC)
    assert found.status is ArticleStatus.DRAFT


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("draft: true", ArticleStatus.DRAFT),
        ("draft: no", ArticleStatus.SCHEDULED),
        ("published: false", ArticleStatus.DRAFT),
        ("unlisted: yes", ArticleStatus.UNLISTED),
        ("status: hidden", ArticleStatus.UNLISTED),
        ("layout: post", ArticleStatus.SCHEDULED),
    ],
)
def test_what_a_document_asks_to_be(line: str, status: ArticleStatus) -> None:
    """Drafts and unlisted articles say so in several customary ways."""
    assert made(f"---\ntitle: T\n{line}\n---{BODY}").status is status


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\ntitle: A: b\n---" + BODY, "broken in line 2"),
        ("---\ntitle: x\ntags: [a\n---" + BODY, "broken in line 4"),
        ("\n---\ntitle: x\n\tbad: y\n---" + BODY, "broken in line 4"),
        ('+++\ntitle = "x"\ndate = soon\n+++' + BODY, "broken in line 3"),
        ("+++\nno toml\n+++" + BODY, "broken in line 2"),
        ("---\ntitle: T\n" + BODY, "never closed"),
        ("---\ntitle: T\ndate: next week\n---" + BODY, "date that cannot be read"),
        ("---\ntitle: T\ndraft: perhaps\n---" + BODY, "gives draft as"),
        ("---\n- a\n- b: c\n---" + BODY, "broken in line 2: it is not a table"),
        ("---\n- a\n- b\n---" + BODY, "broken in line 2: it is not a table"),
        ("---\ntitle: T\nx: !!python/object/apply:os.system [ls]\n---" + BODY, "refused in line 3: the tag !!python/object/apply"),
        ("---\n!!python/name:os.system\n---" + BODY, "refused in line 2: the tag !!python/name"),
        ("---\na: " + "[" * 5000 + "\n---" + BODY, "broken in line"),
    ],
)
def test_broken_front_matter_is_never_published(text: str, reason: str) -> None:
    """What cannot be read is refused with its line and a remedy."""
    error = refused(text)
    assert reason in error.reason
    assert error.remedy


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    """The heading becomes the title and leaves the body."""
    found = made("# A *fine* day & more\n\nText.\n\n## Part\n\nMore.\n")
    assert found.title == "A fine day & more"
    assert found.content_text == "Text.\n\nPart\n\nMore."


def test_a_heading_that_repeats_the_title_goes() -> None:
    """The title is not said twice; another first heading stays, one level lower."""
    assert made("---\ntitle: Same\n---\n# Same\n\nText.\n").content_html == "<p>Text.</p>"
    assert made("---\ntitle: Same\n---\n# Other\n\nText.\n").content_html == "<h2>Other</h2>\n<p>Text.</p>"


def test_a_byte_order_mark_or_a_rule_is_no_front_matter() -> None:
    """Horizontal rules at the head of a text are what they look like."""
    assert made("# T\n\n---\n\nText.\n").content_html == "<hr>\n<p>Text.</p>"


def test_tables_and_strikethrough() -> None:
    """Tables and struck text are kept."""
    found = made("# T\n\n| a | b |\n|---|---|\n| 1 | ~~2~~ |\n")
    assert "<th>a</th>" in found.content_html
    assert "<s>2</s>" in found.content_html


def test_the_untitled_are_refused() -> None:
    """Without a title in either place there is no article."""
    assert "no title" in refused("Just text.\n").reason
