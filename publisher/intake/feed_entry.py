"""One entry of a feed: what feedparser tells of it, and what article it is. Pure."""

from __future__ import annotations

import html
import re
from calendar import timegm
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from publisher import text as plain_text
from publisher import urls
from publisher.errors import DocumentError
from publisher.intake import clean, dates, language
from publisher.model import Enclosure, Extracted, Related

#: An entry as feedparser gives it, whose types are not published.
Parsed = Any

#: Ids, links and media types beyond these are no such things.
LONGEST_ID, _LONGEST_LINK, _LONGEST_TYPE = 500, 2000, 100
#: Characters of the title that an entry without one gets from its text; of a standfirst; of a title at all.
_TITLE, _STANDFIRST, _LONGEST_TITLE = 80, 600, 500
#: Tags, authors and enclosures that are kept.
_MOST = 30
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z]{2,8}|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_SENTENCE = re.compile(r"(.{20,}?[.!?。！？…])(?:\s|$)", re.DOTALL)
_CUT_OFF = re.compile(r"\s*(?:\[?(?:…|\.\.\.)\]?|Continue reading.*|Read more.*)\s*$", re.IGNORECASE | re.DOTALL)
_MAIL_AND_NAME = re.compile(r"\S+@\S+\s+\((?P<behind>[^)]+)\)|(?P<before>[^<(]+)[<(]\S+@\S+[>)]")
_MAIL = re.compile(r"<?\S+@\S+\.\S+>?")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NO_SECTION = re.compile(r"uncategori[sz]ed|allgemein|non classé|sin categoría", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Raw:
    """What an entry says, whatever the format; texts as found."""

    #: As the source gives it, or empty.
    id: str
    #: Absolute, or empty.
    link: str
    #: HTML where it looks so.
    title: str
    #: The body.
    markup: str
    is_html: bool
    #: Another, shorter text; HTML where it looks so.
    summary: str
    #: What links in the body are relative to.
    base: str
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    section: str = ""
    language: str = ""
    #: As written, the best first.
    dates: tuple[str, ...] = ()
    #: In UTC, where only feedparser can read them.
    parsed_date: datetime | None = None
    image: str = ""
    caption: str = ""
    credit: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What one document says, whatever the format."""

    #: As "rss20", "atom10" or "json11".
    form: str
    title: str
    #: What makes each entry.
    entries: Sequence[Callable[[], Raw]]
    #: (relation, address) of the links that the feed has for itself, as found.
    links: tuple[tuple[str, str], ...] = ()


def read(entry: Parsed, feed: Parsed, url: str) -> Raw:
    """What feedparser found in an RSS or Atom entry of `feed`."""
    markup, is_html, summary, detail = _texts(entry)
    link = _absolute(url, _get(entry, "feedburner_origlink") or _link(entry))
    section, *tags = [label for label in map(_label, entry.get("tags", ())) if label] or [""]
    image, enclosures = _media(entry, url)
    return Raw(
        id=_get(entry, "id"), link=link, title=_get(entry, "title"), markup=markup, is_html=is_html, summary=summary,
        base=_absolute(url, str(detail.get("base") or "")) or link or url,
        authors=_authors(entry) or _authors(feed), tags=tuple(tags), section=section,
        language=str(detail.get("language") or "") or str(feed.get("language") or ""),
        dates=tuple(_get(entry, name) for name in ("published", "updated", "created")),
        parsed_date=_parsed_date(entry), image=image, caption=_caption(entry),
        credit=_get(entry, "credit"), enclosures=enclosures, related=_related(entry, url),
    )


def article(raw: Raw, zone: ZoneInfo) -> Extracted:
    """The article that an entry is. Raises DocumentError where it holds none."""
    content = _content(raw)
    body = plain_text.from_html(content)
    summary = _plain(raw.summary)
    title = _plain(raw.title)[:_LONGEST_TITLE] or _from_text(body or summary)
    if not title:
        raise DocumentError("it holds neither title nor text", "ask the feed's publisher")
    if not any(c.isalnum() for c in body):
        if not raw.link:
            raise DocumentError("it holds no text and no link", "ask the feed's publisher")
        content = f'<p><a href="{html.escape(raw.link)}">{html.escape(raw.link, quote=False)}</a></p>'
        content, body = clean.sanitise(content), raw.link
    return Extracted(
        title=title, content_text=body, content_html=content, section=_plain(raw.section)[:100],
        standfirst=_standfirst(summary, body), authors=_few(raw.authors, 200), tags=_few(raw.tags, 100),
        language=_language(raw.language, f"{title}\n{body}"), published_at=_published(raw, zone), image=raw.image,
        caption=_plain(raw.caption)[:1000], credit=_plain(raw.credit)[:200], related=raw.related,
        enclosures=raw.enclosures[:_MOST], source_url=raw.link, source_id=raw.id[:LONGEST_ID],
    )


# --- what feedparser tells -------------------------------------------------------------------------------------------


def _texts(entry: Parsed) -> tuple[str, bool, str, Mapping[str, Any]]:
    """(body, whether it is HTML, summary where there is a body besides, the body's detail)."""
    summary, detail = _get(entry, "summary"), entry.get("summary_detail") or {}
    bodies = [part for part in entry.get("content", ()) if str(part.get("value") or "").strip()]
    texts = [part for part in bodies if str(part.get("type") or "").endswith(("html", "xhtml+xml"))] or bodies
    if not texts:
        is_html = str(detail.get("type") or "") != "text/plain" or bool(_MARKUP.search(summary))
        return summary, is_html, "", detail
    best = max(texts, key=lambda part: len(part["value"]))
    return str(best["value"]), str(best.get("type") or "") != "text/plain", summary, best


def _get(entry: Parsed, name: str) -> str:
    """A text of the entry; the plain way into the dictionary, because feedparser's own gives one date for another."""
    value = dict.get(entry, name)
    return printable(value).strip() if isinstance(value, str) else ""


def printable(text: str) -> str:
    """`text` without what no document may hold and no database takes; of an id no part, and nothing to read."""
    return _FORBIDDEN.sub("", text)


def _link(entry: Parsed) -> str:
    """The entry's link; not its id, which feedparser takes for one where nothing else is said, unless it is one."""
    link = _get(entry, "link")
    return link if link != _get(entry, "id") or link.startswith("http") else ""


def _label(tag: Mapping[str, Any]) -> str:
    said = plain_text.one_line(str(tag.get("label") or tag.get("term") or ""))
    return "" if _NO_SECTION.fullmatch(said) else said


def _authors(entry: Parsed) -> tuple[str, ...]:
    found = []
    whole = plain_text.one_line(_get(entry, "author"))
    for one in entry.get("authors", ()) or ():
        mail = str(one.get("email") or "")
        # feedparser ends addresses after four letters of the last label, and takes the rest for a name.
        said = whole if mail and mail in whole else plain_text.one_line(str(one.get("name") or ""))
        match = _MAIL_AND_NAME.fullmatch(said)
        found.append((match["behind"] or match["before"]).strip() if match else "" if _MAIL.fullmatch(said) else said)
    return tuple(dict.fromkeys(name for name in found if name))


def _parsed_date(entry: Parsed) -> datetime | None:
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        moment = dict.get(entry, name)
        if moment is not None and 1600 <= moment[0] <= 2500:
            return datetime.fromtimestamp(timegm(moment), UTC)
    return None


def _media(entry: Parsed, url: str) -> tuple[str, tuple[Enclosure, ...]]:
    """(the lead picture, what else belongs to the entry)."""
    pictures, others = [], []
    for link in entry.get("links", ()):
        address = _absolute(url, str(link.get("href") or ""))
        if link.get("rel") != "enclosure" or not address.startswith("http"):
            continue
        kind = printable(str(link.get("type") or "")).strip().lower()[:_LONGEST_TYPE]
        if kind.startswith("image/"):
            pictures.append(address)
        else:
            others.append(Enclosure(address, kind or "application/octet-stream", _length(link.get("length"))))
    for item in entry.get("media_content", ()):
        is_picture = item.get("medium") == "image" or str(item.get("type") or "").startswith("image/")
        if is_picture and item.get("url"):
            pictures.insert(0, _absolute(url, str(item["url"])))
    pictures += [_absolute(url, str(item["url"])) for item in entry.get("media_thumbnail", ()) if item.get("url")]
    return next((picture for picture in pictures if picture.startswith("http")), ""), tuple(dict.fromkeys(others))


def _caption(entry: Parsed) -> str:
    """The picture's description: feedparser leaves it in the detail of a summary that is another one."""
    said = printable(str((entry.get("summary_detail") or {}).get("value") or "")).strip()
    return said if entry.get("media_content") and said != _get(entry, "summary") else ""


def _length(value: Any) -> int:
    said = str(value or "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) <= 15 else 0


def _related(entry: Parsed, url: str) -> tuple[Related, ...]:
    found = []
    for link in entry.get("links", ()):
        address = _absolute(url, str(link.get("href") or ""))
        title = plain_text.one_line(str(link.get("title") or ""))
        if link.get("rel") == "related" and title and address:
            found.append(Related(title, address))
    return tuple(found[:_MOST])


def _absolute(url: str, link: str) -> str:
    found = urls.resolve(url, link) if link else ""
    return found if len(found) <= _LONGEST_LINK and found.startswith("http") else ""


# --- what article it is ----------------------------------------------------------------------------------------------


def _content(raw: Raw) -> str:
    if raw.is_html:
        return clean.sanitise(raw.markup, raw.base)
    blocks = (plain_text.one_line(block) for block in re.split(r"\n\s*\n", plain_text.clean(raw.markup)))
    return clean.paragraphs(block for block in blocks if block)


def _plain(markup: str) -> str:
    """One line of text; HTML where the text looks like it, as in titles of RSS nobody can know."""
    if _MARKUP.search(markup):
        markup = plain_text.from_html(clean.sanitise(markup))
    return plain_text.one_line(markup)


def _from_text(body: str) -> str:
    """A title from the first paragraph: its first sentence where that is short, else its beginning."""
    first = next((line for line in body.split("\n\n") if any(c.isalnum() for c in line)), "")
    sentence = _SENTENCE.match(first)
    return plain_text.shorten(sentence[1] if sentence and len(sentence[1]) <= _TITLE else first, _TITLE)


def _standfirst(summary: str, body: str) -> str:
    """The summary where somebody wrote one: not where it is the body's beginning, cut off."""
    said = plain_text.fold(_CUT_OFF.sub("", summary))
    if not said or len(summary) > _STANDFIRST or said in plain_text.fold(body):
        return ""
    return summary


def _few(texts: tuple[str, ...], longest: int) -> tuple[str, ...]:
    found = (plain_text.one_line(text)[:longest] for text in texts)
    return tuple(dict.fromkeys(text for text in found if text))[:_MOST]


def _published(raw: Raw, zone: ZoneInfo) -> datetime | None:
    read_ones = (dates.parse(said, zone) for said in raw.dates if said)
    return next((moment for moment in read_ones if moment), raw.parsed_date)


def _language(told: str, said: str) -> str:
    """The language that the text is in where that is plain to see, else the one that the feed declares."""
    told = told.strip().replace("_", "-")
    told = told if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*", told) else ""
    detected = language.detect(said)
    return told if told and (not detected or language.matches(told, detected)) else detected
