"""Documents of which the store knows nothing at all: most of a first pick-up. They need no look at each of them.

    chunk | all by which they may be known, asked at once -> those that may be known: record, one after the other
                                                          -> the others: first versions, written together
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from publisher.intake import identity, record, revise, wording
from publisher.intake.extract import dated
from publisher.intake.load import Loaded
from publisher.intake.record import PickUp
from publisher.intake.sketch import sketch
from publisher.model import DocumentResult, Extracted
from publisher.store import newcomers
from publisher.store.engine import Tx
from publisher.store.newcomers import Keys, Newcomers


async def take_all(
    tx: Tx, pick_up: PickUp, chunk: Sequence[Loaded], keys: Sequence[Keys | None]
) -> list[DocumentResult]:
    """Puts the documents, with the keys of each, and their articles into the store; what became of each.

    As `record.take` of each in turn.
    """
    new = await newcomers.ask(tx, pick_up.source, filter(None, keys))
    similar: Mapping[str, bool] | None = await _similar(tx, chunk, keys, new)
    rows = []
    for loaded, known_by in zip(chunk, keys, strict=True):
        row = None if known_by is None else await _taken(tx, pick_up, loaded, known_by, new, similar)
        if row is None:
            await new.write(tx)
            row = await record.take(tx, pick_up, loaded)
            similar = None  # what was written since may be similar too
            if known_by is not None:
                new.forget(known_by)
        rows.append(row)
        await asyncio.sleep(0)  # nothing else waits here: others have their turn
    await new.write(tx)
    return rows


def keys_of(loaded: Loaded) -> Keys | None:
    """All by which the document may be known; None for what is no new version of anything."""
    document = loaded.made
    if not isinstance(document, Extracted):
        return None
    return Keys(
        loaded.reading.path, loaded.digest, document.source_id, identity.url_key(document),
        identity.title_key(document), next(identity.slugs(document, "")),
        sketch(document.title, document.content_text),
    )


async def _similar(
    tx: Tx, chunk: Sequence[Loaded], keys: Sequence[Keys | None], new: Newcomers
) -> Mapping[str, bool]:
    """For the path of each document that shares some wording with an article: whether the titles are similar too."""
    asked = [
        (one.reading.path, one.made)
        for one, known_by in zip(chunk, keys, strict=True)
        if known_by is not None and isinstance(one.made, Extracted) and new.has_wording(known_by)
    ]
    found = await wording.similar_each(tx, [document for _, document in asked]) if asked else []
    return {path: bool(near) for (path, _), near in zip(asked, found, strict=True)}


async def _taken(
    tx: Tx, pick_up: PickUp, loaded: Loaded, keys: Keys, new: Newcomers, similar: Mapping[str, bool] | None
) -> DocumentResult | None:
    """The row of a document that is plainly new, by all that `identity.decide` asks; None for others.

    `similar` is what `_similar` gave, as long as nothing was written since.
    """
    if not isinstance(loaded.made, Extracted) or loaded.origins or not new.is_new(keys):
        return None
    document = dated(loaded.made, pick_up.now)
    near = (*new.titles_in_hand(keys), *(title for _, title in pick_up.lost))
    if any(identity.similar_titles(document.title, title) for title in near):
        return None
    if similar is not None:
        if similar.get(keys.path):
            return None
    elif new.has_wording(keys) and await wording.similar(tx, document):
        return None
    article = revise.first_version(
        document, loaded.content_hash, article_id=str(uuid4()), slug=keys.slug, source=pick_up.source,
        language=pick_up.language, backfill=pick_up.backfill, now=pick_up.now,
    )
    remarks = "; ".join(document.remarks)
    new.add(article, replace(record.accepted(pick_up, loaded, article.id), reason=remarks), keys)
    return DocumentResult(loaded.reading.path, "added", article.id, document.title, remarks)
