"""How much an article changed for those who read it. Pure.

    none        the same, but for white space
    minor       the same words: typography, markup, section, tags, pictures, links
    correction  other words, or other authors
    substantial much new text, or most of the old one gone

Words are compared without case and punctuation, as a bag: the cost grows with the text and no faster. Numbers keep
their decimal signs, and signs that change a meaning (currencies, plus, minus, per cent) count as words.
"""

from __future__ import annotations

import re
from collections import Counter

from publisher.change_kind import Change
from publisher.model import Article

#: At least so many new words, and at least such a share of the text that was there, are much.
_MUCH_WORDS, _MUCH_SHARE = 30, 0.25
#: A change that takes away more than such a share of the text leaves another article.
_MOST = 0.5
#: More versions of one article than this within a day are kept no longer: a source that changes by itself.
VERSIONS_A_DAY = 20

_WORD = re.compile(
    r"\d+(?:[.,:]\d+)*|(?<!\w)[-\u2212](?=\d)|[^\W_]+|[%\u2030+=<>\u00b1\u00d7\u00f7]|[$\u00a2-\u00a5\u20a0-\u20bf]"
)
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019](?=\w)")
_SPACE = re.compile(r"\s+")

#: What readers read, in words.
_TEXTS = ("title", "standfirst", "content_text", "caption")
#: What else they see of an article.
_REST = (
    "section", "authors", "tags", "language", "content_html", "image", "credit", "source_url", "enclosures", "related",
)


def change(old: Article, new: Article) -> Change:
    """What became of `old`: by the rule at the top of this module."""
    before, after = [[words(getattr(article, name)) for name in _TEXTS] for article in (old, new)]
    if before == after and old.authors == new.authors:
        same = all(_same(getattr(old, name), getattr(new, name)) for name in (*_TEXTS, *_REST))
        return Change.NONE if same else Change.MINOR
    was, now = (Counter(word for text in texts for word in text) for texts in (before, after))
    added, removed = (now - was).total(), (was - now).total()
    if added >= max(_MUCH_WORDS, _MUCH_SHARE * was.total()) or removed > max(_MUCH_WORDS, _MOST * was.total()):
        return Change.SUBSTANTIAL
    return Change.CORRECTION


def words(text: str) -> list[str]:
    """The words of `text` as they are compared."""
    return _WORD.findall(_APOSTROPHES.sub("", text.casefold()))


def is_capped(versions_today: int) -> bool:
    """True if so many versions of one article within a day are enough: the next is kept without one, as minor."""
    return versions_today >= VERSIONS_A_DAY


def _same(one: object, other: object) -> bool:
    """Equal but for white space, which has a meaning in preformatted text only."""
    if not (isinstance(one, str) and isinstance(other, str)) or "<pre" in one or "<pre" in other:
        return one == other
    return _SPACE.sub(" ", one).strip() == _SPACE.sub(" ", other).strip()
