"""The tables of articles and sources; those of readers and mail stand in `mail_schema`.

Meanings stand here; `migrations/` brings a store to this shape, and a test holds both equal.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from publisher.store.instant import Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: An integer key: 64 bits on PostgreSQL; on SQLite the row id, which is just as wide.
Key = BigInteger().with_variant(Integer, "sqlite")


#: Numbers that are given out in commit order: "seq" (publication order), "change" (every change of an article).
counters = Table(
    "counters", metadata,
    Column("name", String(20), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

articles = Table(
    "articles", metadata,
    Column("id", String(36), primary_key=True),
    Column("seq", BigInteger, unique=True),
    Column("change", BigInteger, nullable=False, index=True),
    Column("slug", String(100), nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("standfirst", Text, nullable=False),
    Column("section", Text, nullable=False),
    Column("section_slug", String(100), nullable=False),
    Column("authors", JSON, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("language", String(35), nullable=False),
    Column("content_html", Text, nullable=False),
    Column("content_text", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("caption", Text, nullable=False),
    Column("credit", Text, nullable=False),
    Column("source_url", Text, nullable=False),
    Column("enclosures", JSON, nullable=False),
    Column("related", JSON, nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False, index=True),
    Column("content_hash", String(64), nullable=False),
    Column("backfill", Boolean, nullable=False),
    Column("status", String(12), nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    #: The article that this one was merged into, by hand.
    Column("merged_into", String(36)),
    Index("ix_articles_status_published_at", "status", "published_at"),
    Index("ix_articles_status_seq", "status", "seq"),
    Index("ix_articles_status_change", "status", "change"),
    Index("ix_articles_section_slug_status_seq", "section_slug", "status", "seq"),
    Index("ix_articles_source_source_id_first_seen_at", "source", "source_id", "first_seen_at"),
    Index("ix_articles_source_canonical_url_first_seen_at", "source", "canonical_url", "first_seen_at"),
    Index("ix_articles_source_title_key_first_seen_at", "source", "title_key", "first_seen_at"),
)

#: In which lists an article that went live stands or stood (`publisher.model.Listing`): one row for each.
listings = Table(
    "listings", metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(10), primary_key=True),
    Column("slug", String(100), primary_key=True),
    #: How the article writes the name of the list.
    Column("name", Text, nullable=False),
    Column("backfill", Boolean, nullable=False),
    #: It stands there now, and the article is live.
    Column("shown", Boolean, nullable=False),
    Index("ix_listings_kind_slug_shown_backfill_seq", "kind", "slug", "shown", "backfill", "seq"),
)

#: The order in which articles were issued: each once as it went live, and again when it was corrected after its
#: archive document was sealed.
archive_entries = Table(
    "archive_entries", metadata,
    Column("number", Key, primary_key=True),
    Column("article_id", String(36), nullable=False, index=True),
    Column("backfill", Boolean, nullable=False),
    #: Not for the first time.
    Column("again", Boolean, nullable=False),
    #: The archive document that it is sealed in; None: not yet.
    Column("document", BigInteger),
    #: The article as it was then, where it was corrected since: plain values by name.
    Column("frozen", JSON(none_as_null=True)),
    Index("ix_archive_entries_document_backfill_number", "document", "backfill", "number"),
)

#: Sealed archive documents (RFC 5005, section 4), counted from the oldest.
archive_documents = Table(
    "archive_documents", metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    #: Of the counter "change": when it was sealed, or an article was last taken out.
    Column("change", BigInteger, nullable=False, index=True),
)

#: What an article said before each change, and in which section it stood.
article_versions = Table(
    "article_versions", metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("replaced_at", Instant, nullable=False),
    Column("section_slug", String(100), nullable=False),
    Column("content", JSON, nullable=False),
    #: What the change was that replaced it.
    Column("change", String(12), nullable=False, server_default="correction"),
    Index("ix_article_versions_replaced_at", "replaced_at"),
)

#: How far the order of articles had come at which instant: a row for each time that articles went live.
tides = Table(
    "tides", metadata,
    #: The last of them.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Index("ix_tides_at", "at", "seq"),
)


#: Numbers that stand for an article's wording (`publisher.intake.sketch`); `added` is when it was first seen, in
#: microseconds since the epoch, so that of many articles with one wording the newest are found first.
sketches = Table(
    "sketches", metadata,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("added", BigInteger, primary_key=True, autoincrement=False),
    Column("article_id", String(36), primary_key=True),
    sqlite_with_rowid=False,
)

#: Articles that have no sketch yet: they were written before there were any.
unsketched = Table("unsketched", metadata, Column("article_id", String(36), primary_key=True))

#: Articles of different sources that tell the same story; each pair stands in it both ways.
alike = Table(
    "alike", metadata,
    Column("article_id", ForeignKey("articles.id"), primary_key=True),
    Column("other_id", ForeignKey("articles.id"), primary_key=True),
    Column("found_at", Instant, nullable=False),
)

#: How each document that did not found its article came to it, so that it can be taken out again.
joins = Table(
    "joins", metadata,
    Column("id", Key, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False, index=True),
    #: By which rule of identity; "merge": by hand, with all documents of another article.
    Column("rule", String(20), nullable=False),
    #: [source, path] of each.
    Column("documents", JSON, nullable=False),
    Column("at", Instant, nullable=False),
    #: Number of the article's last version before.
    Column("version", Integer, nullable=False),
    #: Of a merge: the other article, and the status that it had.
    Column("merged_id", String(36)),
    Column("merged_status", String(12)),
)

documents = Table(
    "documents", metadata,
    Column("source", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("article_id", ForeignKey("articles.id"), index=True),
    Column("seen_at", Instant, nullable=False),
    Column("present", Boolean, nullable=False),
    #: The source's archive holds it now.
    Column("archived", Boolean, nullable=False, server_default=false()),
    #: That it was deleted has withdrawn its article, which had this status; else empty.
    Column("withdrawn_from", String(12), nullable=False, server_default=""),
    Index("ix_documents_source_digest", "source", "digest"),
    Index("ix_documents_source_present", "source", "present"),
)

#: Pictures of articles, copied and made small; equal names mean equal pictures, so a row never changes.
pictures = Table(
    "pictures", metadata,
    Column("name", String(100), primary_key=True),
    Column("media_type", String(40), nullable=False),
    #: Pixels.
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    #: Bytes of `content`.
    Column("length", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

#: The files beside each document that it shows as pictures, as they were when it was read.
document_pictures = Table(
    "document_pictures", metadata,
    Column("source", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    #: Relative to the source's root.
    Column("picture", Text, primary_key=True),
    #: Bytes; -1 where there was no such file.
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
)

#: Addresses at which articles stood before they were imported (`publisher.old_addresses` has their form).
redirects = Table(
    "redirects", metadata,
    Column("path", Text, primary_key=True),
    Column("article_id", ForeignKey("articles.id"), nullable=False, index=True),
)

#: Pictures that were copied from another site, by their address there.
picture_addresses = Table(
    "picture_addresses", metadata,
    Column("address", Text, primary_key=True),
    Column("picture", ForeignKey("pictures.name"), nullable=False),
)

#: Each source: when it was first read to its end (before that its documents are its backfill); of a feed, how it
#: is asked next.
sources = Table(
    "sources", metadata,
    Column("name", Text, primary_key=True),
    Column("first_read_at", Instant),
    Column("url", Text, nullable=False, server_default=""),
    Column("etag", Text, nullable=False, server_default=""),
    Column("last_modified", Text, nullable=False, server_default=""),
    Column("digest", String(64), nullable=False, server_default=""),
    Column("polled_at", Instant),
    Column("next_poll_at", Instant),
    Column("retry_at", Instant),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("gone", Boolean, nullable=False, server_default=false()),
    Column("reason", Text, nullable=False, server_default=""),
)

#: What was asked of the hubs of feeds: a topic of a source at a hub each (`publisher.source_state.Push`).
pushes = Table(
    "pushes", metadata,
    Column("id", Key, primary_key=True),
    Column("source", Text, nullable=False),
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("wanted", Boolean, nullable=False),
    Column("pending", String(12), nullable=False),
    Column("lease_until", Instant),
    Column("next_ask_at", Instant),
    Column("tries", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    UniqueConstraint("source", "hub", "topic"),
)

#: What the program remembers from one run to the next, such as where the site was.
notes = Table(
    "notes", metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
