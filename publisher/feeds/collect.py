"""The entries of a list, each in its formats: those that are not kept are made from the store.

    places | which are made already? | STORE -> articles | entry, piece -> documents
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.config import Settings
from publisher.feeds.entries import Archive, Feed, Piece, feed_of
from publisher.feeds.pieces import ATOM, FORMATS, JSON, PODCAST, Format, Key, Pieces, content_for, make
from publisher.isolation import Fault
from publisher.model import SITE_LISTING, Article, Listing, ListKind
from publisher.store import archive, articles
from publisher.store.engine import Tx
from publisher.store.listings import Place
from publisher.urls import section_slug


@dataclass(frozen=True, slots=True)
class Documents:
    """A list's feeds."""

    #: By file name.
    files: dict[str, bytes]
    faults: tuple[Fault, ...]


def formats_of(settings: Settings, listing: Listing) -> tuple[Format, ...]:
    """The formats of a list's feeds: RSS is a podcast where the configuration says so."""
    section = settings.feeds.section.get(listing.slug) if listing.kind == ListKind.SECTION else None
    return (PODCAST, ATOM, JSON) if section and section.podcast else FORMATS


async def pieces_for(
    tx: Tx, settings: Settings, kept: Pieces, places: Sequence[Place], forms: Sequence[Format], section: str = ""
) -> list[tuple[list[Piece], list[Fault]]]:
    """The entries at these places in each format, in their order; `section` is that of the list, where it has one."""
    keys = [
        [(it.article_id, it.change, content_for(it.section, settings.feeds, section), form) for it in places]
        for form in forms
    ]
    missing = {key[0] for of_form in keys for key in of_form if kept.get(key) is None}
    found = await articles.get_many(tx, missing) if missing else {}
    return [await _pieces(tx, settings, kept, of_form, found) for of_form in keys]


async def _pieces(
    tx: Tx, settings: Settings, kept: Pieces, keys: Sequence[Key], found: Mapping[str, Article]
) -> tuple[list[Piece], list[Fault]]:
    pieces: list[Piece] = []
    faults: list[Fault] = []
    for key in keys:
        made = kept.get(key)
        if made is None:
            ident, _, content, form = key
            # One that was forgotten again while the others were made is asked for by itself.
            article = found.get(ident) or (await articles.get_many(tx, [ident]))[ident]
            made = make(article, settings.site, content, form)
            kept.keep(key, made)
        if isinstance(made, Piece):
            pieces.append(made)
        else:
            faults.append(made)
    return pieces, faults


async def collect(
    tx: Tx, settings: Settings, kept: Pieces, listing: Listing, places: Sequence[Place], name: str, *,
    past: archive.Issued | None = None,
) -> Documents:
    """The feeds of a list with what stands at these places; of the site's with its history."""
    section = listing.slug if listing.kind == ListKind.SECTION else ""
    history = Archive(past.last_document) if past else None
    withdrawn = past.withdrawn if past else ()
    files: dict[str, bytes] = {}
    faults: list[Fault] = []
    forms = formats_of(settings, listing)
    made = await pieces_for(tx, settings, kept, places, forms, section)
    for form, (pieces, left_out) in zip(forms, made, strict=True):
        updated = (piece.updated for piece in pieces)
        feed = feed_of(settings, listing, name, updated, archive=history, withdrawn=withdrawn)
        files[form.file] = written(form, feed, pieces)
        faults += left_out
    return Documents(files, tuple(dict.fromkeys(faults)))


def sealed(settings: Settings, number: int, found: Iterable[Article]) -> Documents:
    """An archive document in each format."""
    files: dict[str, bytes] = {}
    faults: list[Fault] = []
    held = list(found)
    for form in FORMATS:
        made = [
            make(one, settings.site, content_for(section_slug(one.section), settings.feeds, ""), form) for one in held
        ]
        pieces = [piece for piece in made if isinstance(piece, Piece)]
        updated = (piece.updated for piece in pieces)
        feed = feed_of(settings, SITE_LISTING, "", updated, archive=Archive(number - 1, number))
        files[form.file] = written(form, feed, pieces)
        faults += [fault for fault in made if isinstance(fault, Fault)]
    return Documents(files, tuple(dict.fromkeys(faults)))


def written(form: Format, feed: Feed, pieces: Iterable[Piece]) -> bytes:
    """The document; a piece that is empty says nothing in this format."""
    return form.document(feed, [piece.data for piece in pieces if piece.data])
