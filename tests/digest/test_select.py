"""What an edition holds, in which order, and who gets the same one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.digest.select import NO_SECTION, arrange, offered, pick, variant_key
from publisher.model import Article, ArticleStatus

Make = Callable[..., Article]


@pytest.mark.parametrize(("newsletter", "chosen", "expected"), [
    ((), (), ()),
    ((), ("news", "arts"), ("arts", "news")),
    (("news", "arts"), (), ("arts", "news")),
    (("news", "arts"), ("arts", "sport"), ("arts",)),
    (("news",), ("sport",), NO_SECTION),
])
def test_a_reader_gets_the_sections_chosen_of_those_offered(
    newsletter: tuple[str, ...], chosen: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """No sections mean all, on either side; a choice of nothing that is offered means none."""
    assert offered(newsletter, chosen) == expected


def test_no_article_stands_in_no_section(make_article: Make) -> None:
    """An article without a section too is kept from a reader whose choice is not offered."""
    found = [make_article(1, section=""), make_article(2, section="-"), make_article(3)]
    assert pick(found, NO_SECTION) == ()


def test_only_live_articles_that_are_news_are_picked_newest_first(make_article: Make) -> None:
    """Withdrawn, unlisted, scheduled ones and backfill stay out, backfill unless asked for."""
    states = [ArticleStatus.WITHDRAWN, ArticleStatus.UNLISTED, ArticleStatus.SCHEDULED, ArticleStatus.DRAFT]
    out = [make_article(n, status=status) for n, status in enumerate(states, 10)]
    news, old, late = make_article(1), make_article(2, backfill=True), make_article(3)
    assert pick([news, *out, late, old], ()) == (late, news)
    assert pick([news, *out, late, old], (), backfill=True) == (late, old, news)


def test_the_newest_story_leads_and_sections_stand_in_the_newsletters_order(make_article: Make) -> None:
    """Sections that the newsletter does not name follow by name, stories without one come last."""
    names = ["Sport", "", "Arts", "ثقافة", "News", "Business", "News", "Arts"]
    articles = [make_article(n, section=name) for n, name in enumerate(names, 1)]
    found = arrange(articles, ("news", "arts"), told=10, brief=10)
    assert found.lead.seq == 8
    assert [section.name for section in found.sections] == ["News", "Arts", "Business", "Sport", "ثقافة", ""]
    assert [a.seq for a in found.sections[0].articles] == [7, 5]
    assert found.brief == ()


def test_the_newest_are_told_the_next_are_headlines_the_rest_is_counted(make_article: Make) -> None:
    """Each story stands in one place only."""
    found = arrange([make_article(n) for n in range(1, 11)], (), told=3, brief=4)
    told = [a.seq for section in found.sections for a in section.articles]
    assert (found.lead.seq, told, [a.seq for a in found.brief], found.left_out) == (10, [9, 8], [7, 6, 5, 4], 3)


def test_equal_editions_have_equal_keys_and_others_do_not(make_article: Make) -> None:
    """Kind, stories, their order and text, and language make a variant."""
    one, two = make_article(1), make_article(2)
    key = variant_key("scheduled", [two, one], "en")
    assert key == variant_key("scheduled", [two, one], "en")
    others = [
        variant_key("welcome", [two, one], "en"), variant_key("scheduled", [one], "en"),
        variant_key("scheduled", [two, one], "de"), variant_key("scheduled", [two, one], "en", "text"),
        variant_key("scheduled", [two, make_article(1, content_hash="corrected")], "en"),
    ]
    assert len({key, *others}) == 6
