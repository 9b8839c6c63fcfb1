"""Front matter in the styles of several systems, and their habits."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import DocumentError
from publisher.intake.markdown import parse
from publisher.intake.shortcodes import rendered
from publisher.model import ArticleStatus, Extracted

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
BODY = "\n\nThe text of the article.\n"


def made(text: str, path: str = "in.md") -> Extracted:
    return parse(text, BERLIN, "https://courier.example.org/", now=NOW, path=path)


STYLES = {
    "yaml": "---\ntitle: No\ndate: 2026-11-05 07:30\nlastmod: 2026-11-06\nid: 0123\ntags: [12:30, yes]\nauthor: Ann Other\n---",
    "yaml, three dots": "---\ntitle: No\ndate: 2026-11-05 07:30\nlastmod: 2026-11-06\nid: 0123\ntags: [12:30, yes]\nauthor: Ann Other\n...",
    "toml": '+++\ntitle = "No"\ndate = 2026-11-05T07:30:00\nlastmod = 2026-11-06\nid = "0123"\ntags = ["12:30", "yes"]\nauthor = "Ann Other"\n+++',
    "json": '{\n "title": "No", "date": "2026-11-05T07:30", "lastmod": "2026-11-06", "id": "0123", "tags": ["12:30", "yes"],\n'
    ' "author": "Ann Other", "weight": 1e999, "none": null\n}',
    "pelican": "Title: No\nDate: 2026-11-05 07:30\nModified: 2026-11-06\nId: 0123\nTags: 12:30,\n    yes\nAuthor: Ann Other",
}


@pytest.mark.parametrize("style", STYLES)
def test_every_style_says_the_same(style: str) -> None:
    """Scalars are what was written, and dates without a zone are in the site's."""
    found = made(STYLES[style] + BODY)
    assert (found.title, found.source_id, found.tags, found.authors) == ("No", "0123", ("12:30", "yes"), ("Ann Other",))
    assert found.published_at == datetime(2026, 11, 5, 6, 30, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 5, 23, tzinfo=UTC)
    assert (found.content_text, found.remarks) == ("The text of the article.", ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"title": "x"\n"date": 1}' + BODY, "broken in line 2"),
        ('{"title": ' + "[" * 100_000 + BODY, "broken in line 1"),
        ("+++\nid = " + "1" * 5000 + "\n+++" + BODY, "broken in line"),
        ("---\ntitle: T\nembargo: when it is over\n---" + BODY, "date that cannot be read"),
    ],
    ids=["json", "deep", "long number", "embargo"],
)
def test_broken_front_matter_is_refused(text: str, reason: str) -> None:
    """With its line; an embargo that cannot be read is never passed over."""
    with pytest.raises(DocumentError) as caught:
        made(text)
    assert reason in caught.value.reason


def test_texts_that_only_look_like_front_matter_are_texts() -> None:
    """A word and a colon, a brace, a rule."""
    for text in ("Note: this is prose.", "{{ a }}", "{: .x}", "***\n\nWhy: because"):
        assert made(f"# T\n\n{text}{BODY}").title == "T"
        assert made(f"{text}{BODY}\n# T\n\nx\n", "2026-11-20-named.md").title == "Named"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("status: draft", ArticleStatus.DRAFT), ("status: skip", ArticleStatus.DRAFT),
        ("private: true", ArticleStatus.DRAFT), ("published: no", ArticleStatus.DRAFT),
        ("hidden: true", ArticleStatus.UNLISTED), ("build:\n  list: never", ArticleStatus.UNLISTED),
        ("expiryDate: 2026-11-21", ArticleStatus.DRAFT), ("publishDate: 2199-01-01", ArticleStatus.DRAFT),
        ("expiryDate: 2026-12-24", ArticleStatus.SCHEDULED), ("status: published", ArticleStatus.SCHEDULED),
    ],
)
def test_what_is_not_for_everybody(head: str, status: ArticleStatus) -> None:
    """Drafts, hidden, expired and never to be published."""
    found = made(f"---\ntitle: T\n{head}\n---{BODY}")
    assert found.status is status
    assert bool(found.remarks) is ("Date" in head)


@pytest.mark.parametrize(
    ("head", "day"),
    [
        ("date: 2026-11-05\nembargo: 2026-12-01", "2026-12-01"),
        ("date: 2026-12-05\nembargo: 2026-12-01", "2026-12-05"),
        ("date: 2026-11-05\npublishDate: 2026-12-01", "2026-12-01"),
        ("date: 0001-01-01T00:00:00Z", None),
        ("date: 1066-10-14", None),
        ("date: 2206-10-14", None),
        ("date: '0000-00-00 00:00:00'", None),
    ],
)
def test_when_it_comes_out(head: str, day: str | None) -> None:
    """Never before an embargo ends; a date that cannot be meant is told and not used."""
    found = made(f"---\ntitle: T\n{head}\n---{BODY}")
    assert (found.published_at and found.published_at.astimezone(BERLIN).date().isoformat()) == day
    assert bool(found.remarks) is (day is None)


def test_date_of_change_in_the_future_is_passed_over() -> None:
    """Nothing can have been changed tomorrow."""
    found = made(f"---\ntitle: T\nupdated: 2026-12-24\n---{BODY}")
    assert found.updated_at is None
    assert "in the future" in found.remarks[0]


def test_jekyll_tells_day_slug_and_title_by_the_name() -> None:
    """Its lists are parted by spaces; what the fields say wins."""
    found = made(f"---\ncategories: harbour news\ntags: a b\nexcerpt: In short\nlayout: post\n---{BODY}", "_posts/2026-11-20-the-ferry-stops.md")
    assert (found.title, found.slug, found.section, found.tags) == ("The ferry stops", "the-ferry-stops", "harbour", ("a", "b"))
    assert found.published_at == datetime(2026, 11, 19, 23, tzinfo=UTC)
    assert found.standfirst == "In short"
    assert made(f"---\ndate: 2026-11-21\n---{BODY}", "2026-11-20-x.md").published_at == datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert made(f"# T{BODY}", "_drafts/x.md").status is ArticleStatus.DRAFT
    assert "passed over" in made(f"# T{BODY}", "2026-13-45-x.md").remarks[0]


def test_hugo_and_zola_keep_fields_in_tables() -> None:
    """`params`, `extra` and `taxonomies`."""
    found = made('+++\ntitle = "T"\n[params]\nauthor = "Ann Other"\n[cover]\nimage = "/c.png"\n[taxonomies]\ntags = ["a"]\n+++' + BODY)
    assert (found.authors, found.tags, found.image) == (("Ann Other",), ("a",), "https://courier.example.org/c.png")


def test_anchors_that_multiply_cost_nothing() -> None:
    """A few lines of YAML may stand for more items than there is memory."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    fields = "".join(f"{name}: *i\n" for name in ("tags", "authors", "related", "date", "draft", "image"))
    found = made(f"---\n{bomb}title: T\n{fields}---{BODY}")
    assert (found.title, found.tags, found.published_at) == ("T", (), None)


def test_marks_of_other_systems_are_not_shown() -> None:
    """A figure becomes an image, a highlight code; the rest goes and is told; code is left alone."""
    body, told = rendered(
        'A {{< youtube id >}} b.\n{{< figure src="/a.png" caption="C" >}}\n{% include x.html %}\n`{{< kept >}}`\n'
        "```\n{{% kept %}}\n```\n[l]({filename}/b.md)\nText\n{: .lead}\n{% highlight py %}\nx\n{% endhighlight %}"
    )
    assert body == (
        'A  b.\n<figure><img src="/a.png" alt="C"><figcaption>C</figcaption></figure>\n\n`{{< kept >}}`\n'
        "```\n{{% kept %}}\n```\n[l](/b.md)\nText\n\n\n```\n\nx\n\n```\n"
    )
    assert told == ("marks of another system were left out: youtube, include",)


@given(st.text(alphabet='-+{}:"[]&*, \nab1.', max_size=120))
def test_front_matter_never_raises_anything_else(text: str) -> None:
    """Whatever is written there: an article, or what is wrong with it."""
    for opening in ("---\n", "+++\n", "{", "Title: x\n", ""):
        with suppress(DocumentError):
            made(opening + text + BODY)


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("title: We are #1 again", "We are #1 again"),
        ("title: Why #MeToo matters: a view", "Why #MeToo matters: a view"),
        ("title: We are here  # to be changed", "We are here"),
        ("title: !Viva la vida!", "!Viva la vida!"),
        ("title: &Sons close their shop", "&Sons close their shop"),
        ('title: "Quoted" # a note', "Quoted"),
        ("title: C# and F# compared", "C# and F# compared"),
    ],
)
def test_headline_is_never_cut_in_silence(line: str, title: str) -> None:
    """What YAML takes for a comment, a tag or an anchor is part of a headline where people write it so."""
    assert made(f"---\n{line}\ntags: [a]  # b\n---\n\nText.\n").title == title


def test_yaml_says_nothing_in_two_ways() -> None:
    """A field with `null` or `~`, as editors write fields that were left empty, is as if it were not there."""
    found = made("---\ntitle: null\nsection: ~\ndate: null\ndraft: null\nimage: ~\n---\n# Mine\n\nText.\n")
    assert (found.title, found.section, found.published_at, found.image) == ("Mine", "", None, "")


def test_open_quotation_mark_is_named_where_it_stands() -> None:
    """Not at the end of the block, where the parser notices."""
    with pytest.raises(DocumentError, match="line 3: a quotation mark"):
        made('---\ntitle: A\nsection: "News\ntags: [a]\nauthor: B\n---\n\nText.\n')


@pytest.mark.parametrize("date", ["1970-01-01", "1970-01-01T00:00:00Z", "1970-01-01 00:00"])
def test_date_that_a_program_did_not_have_is_no_date(date: str) -> None:
    """The beginning of 1970 is passed over, and said."""
    found = made(f"---\ntitle: A\ndate: {date}\n---\n\nText.\n")
    assert found.published_at is None
    assert "1970" in found.remarks[0]


@pytest.mark.parametrize(
    "date", ["2026-11-20 25:00", "2026-11-20T07:30:00 EST", "2026-11-20 07:30 Europe/Kyiv", "20 November 2026, 07:30 CET"]
)
@pytest.mark.parametrize("field", ["date", "embargo"])
def test_date_of_which_a_part_is_not_understood_is_refused(field: str, date: str) -> None:
    """Else an article would come out hours before its embargo ends."""
    with pytest.raises(DocumentError, match="cannot be read"):
        made(f"---\ntitle: A\n{field}: {date}\n---\n\nText.\n")


@pytest.mark.parametrize(
    "date", ["20.11.2026 06:30 Uhr", "Friday, 20 November 2026 at 06:30", "Fri, 20 Nov 2026 05:30:00 GMT", "2026-11-20 00:30:00 -0500"]
)
def test_dates_as_people_write_them_are_read(date: str) -> None:
    """In the site's zone where they name none."""
    assert made(f"---\ntitle: A\ndate: {date}\n---\n\nText.\n").published_at == datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
