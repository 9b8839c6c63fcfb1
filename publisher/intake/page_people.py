"""Who a page says wrote its article. Pure.

schema.org, meta elements, then the lines below the headline. People before organisations; names without offices,
dates, handles and addresses. The words below are those of bylines everywhere, in several languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from publisher.intake import json_ld, page_tree, shape
from publisher.intake.page_facts import Facts
from publisher.intake.page_lines import Line, folded, following, text_of
from publisher.text import fold, one_line

#: An element of lxml, whose types are not published.
Element = Any

_SENT = (
    r"submitted|soumis|posté|publié|écrit|rédigé|geschrieben|verfasst|veröffentlicht|publicado|escrito|enviado|scritto"
    r"|pubblicato|inviato|geschreven|geplaatst"
)
_LABEL = re.compile(
    r"^(?:(?:this (?:post|article|story) was\s+)?"
    rf"(?:(?:written|posted|published|words|story|reported|text|article|reviewed|{_SENT})\s+)?"
    r"(?:by|von|par|por|di|door|av|af)\s*[:：]?\s+"
    r"|(?:by|authors?|autor(?:en|in|a|es)?|auteurs?|autore|author\(s\)|words|text|автор)\s*[:：]\s*|(?:著者|作者|文|筆者)\s*[:：]\s*|(?:بقلم|كتبت?)(?:\s*[:：]\s*|\s+))+",
    re.IGNORECASE,
)
_LABEL_ALONE = re.compile(
    r"(?:(?:(?:written|posted|published|words|story|article)\s+)?by|authors?|von|par|por|autor|文|著者|作者|بقلم)\s*[:：]?",
    re.IGNORECASE,
)
#: With what a label may begin: asking so costs less than to look at the page line by line.
_MAY_LABEL = re.compile(
    rf"(?:{_SENT}|this|written|posted|published|words|story|reported|text|article|reviewed|by|von|par|por|di|door|av|af|auth?or"
    r"|auteur|автор|著者|作者|文|筆者|بقلم|كتب)",
    re.IGNORECASE,
)
_MARKED = (
    "//@rel[. = 'author']/.. | //@itemprop[. = 'author']/.. "
    "| //@class[contains(., 'byline') or contains(., 'author') or contains(., 'writer')]/.."
)
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)(?:uary|ruary|ch|il|e|y|ust|ember|tember|ober)?\b\.?"
)
_ROLE = (
    r"(?:(?:senior|chief|deputy|staff|managing|associate|assistant|contributing|executive|lead|guest|freelance|special|"
    r"political|foreign|politics|autos|opinion|sports|business|news)\s+)*(?:editor|reporter|writer|correspondent|contributor|journalist|columnist|producer|"
    r"photographer|author|founder|co-founder|director|manager|president|professor|intern|blogger|redakteur(?:in)?|c[et]o|"
    r"cfo|coo|cmo|analyst|critic|fellow|specialist|consultant)s?\b"
)
#: What follows a name and is none of it.
_AFTER = re.compile(
    rf"\s*[|•·–—/(@<\[\d].*$|\s+-\s.*$|,?\s+(?-i:on|for|in|at|of|is|was|says|said|edited|with|from|um|am|le|el)\b.*$"
    rf"|,?\s+(?:published|updated|posted|follow|views?|share)\b.*$|,?\s+{_MONTH}(?:\s.*)?$|,?\s+(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b.*$"
    rf"|,\s*(?!(?:[A-Z]\w*\.?\s+)+[A-Z])(?=.*\b{_ROLE}).*$|(?<=\S)\s+{_ROLE}.*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*(?:;|&|\band\b|\bund\b|\bet\b|、|，)\s*|\s+(?-i:y|e|i)\s+|\s+و(?=\S)|,\s*", re.IGNORECASE)
_DEGREE = re.compile(r",\s*(?=(?:m\.?d|ph\.?d|d\.?o|r\.?n|jr|sr|esq|dds|cpa|rd|m\.?a|m\.?sc|mba)\b\.?)", re.IGNORECASE)
_KEPT_COMMA = "\u201a"
_NAME = re.compile(r"[^\W\d_][\w.'’‘‚-]*(?:\s+[^\W\d_][\w.'’‘‚-]*){0,4}")
_NO_NAME = re.compile(
    r"^(?:admin\w*|administrator|editors?|editorial|staff|author|authors|guest|home|news|share|blog|website|webmaster|"
    r"unknown|anonymous|none|null|user|root|contact|about|menu|search|comments?|print|follow|subscribe|read more|"
    r"view all|wordpress|sidebar|"
    r"full name|name|email|(?:written|posted|published|updated|reviewed|edited)(?: by| on)?|"
    r"last updated|date|category|tags?|handle|min read|"
    rf"{_MONTH})$",
    re.IGNORECASE,
)
_BYLINE = re.compile(
    r"(?:^|[\s_-])(?:by-?lines?|authors?|author-?names?|writer|contributors?|creator|signature|credits?-?author|vcard|fn)"
    r"(?:$|[\s_-])",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PROFILE = re.compile(
    r"/(?:authors?|staff|people|writers?|contributors?|profiles?|team|by|autor(?:en)?|auteurs?)/", re.IGNORECASE
)
_ELSEWHERE = re.compile(
    r"comment|repl(?:y|ies)|related|recommend|sidebar|widget|footer|popular|teaser|card-list", re.IGNORECASE
)
#: A date, as far as it parts a byline.
_DATED = re.compile(r"(?:19|20)\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_NO_PERSON = re.compile(rf"\W*(?:\d|(?:published|updated|posted)\b|{_MONTH})", re.IGNORECASE)
_SIGNS = re.compile(r"\s+[|•·–—/-]\s+|\s*[|•·]\s*|\s{2,}")
_META = ("article:author", "author", "dc.creator", "dcterms.creator", "parsely-author", "sailthru.author", "byl")
_LONGEST = 140
#: Lines of a page that are looked through for a signature.
_MOST_LINES = 600
#: Letters of a name in a script without capitals.
_LONGEST_WIDE = 16


def authors(facts: Facts, near: list[Line], title: str) -> tuple[str, ...]:
    """The article's authors as the page states them; empty where it does not."""
    people, bodies = _stated(facts)
    if people:
        return people
    said = fold(title)
    near = [line for line in near if folded(line.text) not in said]
    return _beside(near) or _marked(facts) or _signed(facts) or bodies


def names(text: str, *, sure: bool = False) -> tuple[str, ...]:
    """The names in "By Ann Other, Reporter, and Ben Some | 5 May"; empty where a part is no name.

    A name of one word is taken only where it is `sure` that authors are named.
    """
    text = _LABEL.sub("", one_line(text)).strip(" ,:|–—-·•")
    text = _AFTER.sub("", _DEGREE.sub(_KEPT_COMMA + " ", text)).strip(" ,:|–—-·•")
    parts = (part.strip(" ,*") for part in _BETWEEN.split(text) if part)
    kept = [_AFTER.sub("", _LABEL.sub("", part)) for part in parts if part]
    if sure and len(kept) > 1 and not _is_name(kept[-1], sure) and "," in text:
        kept.pop()  # an office behind the last name
    if not kept or not all(_is_name(part, sure) for part in kept):
        return ()
    return tuple(dict.fromkeys(part.replace(_KEPT_COMMA, ",") for part in kept))


def _is_name(part: str, sure: bool) -> bool:
    if not _NAME.fullmatch(part) or _NO_NAME.match(part) or len(part) > 60:
        return False
    cased = [word for word in part.split() if word[0].lower() != word[0].upper()]
    if shape.width(part) > len(part) or not cased:
        return len(part) <= _LONGEST_WIDE
    enough = sum(word[0].isupper() for word in cased) * 2 > len(cased)
    return enough and (sure or len(part.split()) >= 2)


def _stated(facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(people, organisations) that schema.org and meta elements name."""
    people: list[str] = []
    bodies: list[str] = []
    for key in ("author", "creator"):
        for item in facts.data.resolved(facts.data.article.get(key)):
            kind = json_ld.strings(item.get("@type")) if isinstance(item, dict) else []
            for text in json_ld.names(item):
                site = () if "Person" in kind else facts.site
                (bodies if "Organization" in kind else people).extend(_clean(text, site))
        if people:
            return _unique(people), ()
    for name in _META:
        people += [found for text in facts.meta.get(name, []) for found in _clean(text, facts.site)]
        if people:
            break
    return _unique(people), _unique(bodies)


def _clean(text: str, site: tuple[str, ...]) -> tuple[str, ...]:
    """The names in a statement; none in addresses, handles, offices, and the site's own name."""
    if re.match(r"(?:https?:|www\.|/|@)|.*\S@\S", text) or re.search(r"\w:\s", _LABEL.sub("", text)):
        return ()
    found = names(text, sure=True)
    plain = one_line(text)
    if not found and len(plain) <= 60 and not _NO_NAME.match(plain):
        found = (plain,)
    known = {fold(name) for name in site}
    return tuple(name for name in found if fold(name) not in known)


def _beside(near: list[Line]) -> tuple[str, ...]:
    """The names in the lines below the headline."""
    for number, line in enumerate(near):
        if len(line.text) > _LONGEST:
            continue
        if _LABEL_ALONE.fullmatch(line.text):
            following = near[number + 1].text if number + 1 < len(near) else ""
            if len(following) <= _LONGEST and (found := names(following, sure=True)):
                return found
        labelled = _LABEL.match(line.text) is not None
        if (labelled or _is_marked(line)) and (found := _in_line(line, sure=True)):
            return found
    for line in near:
        if len(line.text) <= 80 and _DATED.search(line.text) and (found := _dated(line)):
            return found
    return ()


def _in_line(line: Line, *, sure: bool) -> tuple[str, ...]:
    """The names of a line: of the links to people in it, of all of it, or of the first pieces that are names."""
    linked = [text_of(e) for e in line.inline if e.tag == "a" and _is_person_link(e)]
    found = _unique(name for text in linked for name in names(text, sure=True))
    if found or (found := names(line.text, sure=sure)):
        return found
    collected: list[str] = []
    for piece in line.pieces:
        here = names(piece, sure=sure) if not _LABEL_ALONE.fullmatch(piece) else ()
        if collected and not here and len(piece.strip(" ,&")) > 3:
            break
        collected += here
    return _unique(collected)


def _dated(line: Line) -> tuple[str, ...]:
    """The names in "5 May 2026 • Ann Other"."""
    parts = [part for piece in line.pieces for part in _SIGNS.split(piece) if part and part.strip()]
    if len(parts) < 2 or len(parts) > 5:
        return ()
    return next((found for part in parts if not _NO_PERSON.match(part) and (found := names(part))), ())


def _marked(facts: Facts) -> tuple[str, ...]:
    """The names in what the page marks as the author anywhere outside its comments and lists."""
    for element in page_tree.found(_MARKED, facts.tree)[:30]:
        kind = f"{element.get('class') or ''} {element.get('rel') or ''} {element.get('itemprop') or ''}"
        if not _BYLINE.search(_HUMP.sub("-", kind)) or _is_elsewhere(element):
            continue
        inner = page_tree.found("(descendant::*/@itemprop[. = 'name']/..)[1]", element)
        text = text_of(inner[0] if inner else element)
        if 1 < len(text) <= _LONGEST and (found := names(text, sure=bool(inner) or element.get("rel") == "author")):
            return found
    return ()


def _signed(facts: Facts) -> tuple[str, ...]:
    """The names in a line such as "Written by Ann Other" anywhere in the page, if all such lines agree."""
    if not any(_MAY_LABEL.match(text.lstrip()) for text in page_tree.found("//text()", facts.tree)):
        return ()
    lines = islice(following(None, facts.tree), _MOST_LINES)
    labelled = (line for line in lines if len(line.text) <= _LONGEST and _LABEL.match(line.text))
    found = {made for line in labelled if (made := _in_line(line, sure=False))}
    return next(iter(found)) if len(found) == 1 else ()


def _is_marked(line: Line) -> bool:
    for element in (*line.inline, line.block, *_around(line.block)):
        kind = f"{element.get('class') or ''} {element.get('rel') or ''} {element.get('itemprop') or ''}"
        if _BYLINE.search(_HUMP.sub("-", kind)) or element.tag == "address":
            return not _is_elsewhere(element)
    return any(element.tag == "a" and _is_person_link(element) for element in line.inline)


def _is_person_link(element: Element) -> bool:
    return element.get("rel") == "author" or _PROFILE.search(element.get("href") or "") is not None


def _around(element: Element) -> Iterable[Element]:
    for _, ancestor in zip(range(2), element.iterancestors(), strict=False):
        yield ancestor


def _is_elsewhere(element: Element) -> bool:
    around = (element, *element.iterancestors())
    return any(_ELSEWHERE.search(f"{e.get('class') or ''} {e.get('id') or ''}") for e in around if e.tag != "body")


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for item in items if item))
