"""The tables of the configuration, each key documented beside its field.

Types, defaults and the checks that a single key needs; `publisher.config` reads them from file and environment.
"""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from publisher import urls
from publisher.model import Frequency
from publisher.setting_types import (
    Clock,
    Duration,
    FeedAddress,
    Host,
    HubAddress,
    Language,
    Location,
    NewPlace,
    OldPath,
    Pause,
    Port,
    ShortName,
    StoreUrl,
    Table,
    WebAddress,
    Zone,
)


class Site(Table):
    """The publication."""

    #: Name of the publication: feeds' titles, pages, mastheads.
    title: str = Field(default="The Example Courier", min_length=1)
    #: Public base of every link, without a closing slash.
    url: WebAddress = "http://127.0.0.1:8000"
    #: One sentence about the publication.
    description: str = ""
    #: BCP 47; of pages and feeds, and of articles that do not tell.
    language: Language = "en"
    #: Dates without a zone are in this one; so are newsletters' dates.
    timezone: Zone = "UTC"
    #: In every digest's footer; required when `mail.transport` is "smtp".
    postal_address: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The zone that `timezone` names."""
        return ZoneInfo(self.timezone)


class StoreSettings(Table):
    """Where everything is kept."""

    #: `sqlite:///path` (relative to the project root) or `postgresql://user@host/name`.
    url: StoreUrl = Field(default="sqlite:///var/publisher.db", repr=False)
    #: "normal" survives the death of the process, "full" a power cut too (SQLite only).
    durability: Literal["normal", "full"] = "normal"


class Output(Table):
    """Files for web servers and CDNs."""

    #: Where feeds and pages are written, ready for any web server.
    directory: Location = Path("var/public")


class Podcast(Table):
    """What directories of podcasts ask for (PSP-1, Podcast Standards Project)."""

    #: Address of the cover: square, 1,400 to 3,000 pixels, JPEG or PNG.
    image: WebAddress
    #: One of Apple's categories, as "News".
    category: str = Field(default="News", min_length=1)
    #: One of Apple's subcategories of it, as "Daily News"; or empty.
    subcategory: str = ""
    #: Who is heard; empty: the site's title.
    author: str = ""
    #: Whom directories write to; shown in the feed. Empty: nobody.
    email: str = ""
    explicit: bool = False
    #: Episodes are to be heard from the first on.
    serial: bool = False


class SectionFeed(Table):
    """A section whose feeds are other than the site's."""

    #: None: as in the rest of the site.
    content: Literal["full", "summary"] | None = None
    #: Its RSS feed is a podcast of the articles with audio or video.
    podcast: Podcast | None = None


class Feeds(Table):
    """What stands in a feed."""

    #: Entries in a feed and in an archive document, and stories on the home page.
    items: int = Field(default=50, ge=1, le=1000)
    #: "full": whole articles in the feeds; "summary": standfirsts only.
    content: Literal["full", "summary"] = "full"
    #: Who may do what with the texts; None: "© " and the site's title; empty: nothing is said.
    rights: str | None = None
    #: By slug.
    section: dict[ShortName, SectionFeed] = Field(default_factory=dict)
    #: Old addresses of feeds, as "/feed.xml", and where they are now (301); empty: ended (410).
    moved: dict[OldPath, NewPlace] = Field(default_factory=dict)

    def content_of(self, section: str) -> Literal["full", "summary"]:
        """What the feeds of the section with this slug hold; of "": of the whole site."""
        own = self.section.get(section)
        return (own.content if own else None) or self.content


class Web(Table):
    """The program's own web server."""

    #: Address to listen on.
    host: str = "127.0.0.1"
    #: Its port.
    port: Port = 8000


class Source(Table):
    """Where articles come from."""

    #: "folder": documents on this machine; "feed": RSS, Atom or JSON Feed of others.
    kind: Literal["folder", "feed"] = "folder"
    #: Of a folder: where the documents lie.
    path: Location = Path("seeds")
    #: Of a feed: its address.
    url: FeedAddress = ""
    #: How often the source is looked at, whatever the watcher tells; of a feed "15m" where nothing is said.
    poll: Pause = timedelta(seconds=2)
    #: A file is taken when it has been unchanged for so long.
    settle: Duration = timedelta(milliseconds=200)
    #: "mail": what it held at its first fetch is news; "hold": live, but never mailed (the default of a feed).
    backfill: Literal["mail", "hold"] = "mail"
    #: Of a folder: files that were accepted are moved into its folder `archive`, which is looked at no more.
    archive: bool = False
    #: Of a folder: deleting a file withdraws its article; putting it back brings the article back.
    follow_deletions: bool = False
    #: Of a feed: fetch each entry's page, and take the article's text from there.
    full_text: bool = False
    #: Of a feed: let it, its pages and its hub lie at private addresses (for tests, and for one's own network).
    allow_private: bool = False
    #: Of a feed: be told by its hub, where it offers one (WebSub) and `site.url` is https.
    push: bool = True

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_a_feed(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("kind") == "feed":
            return {"poll": "15m", "backfill": "hold", **data}
        return data

    @property
    def name(self) -> str:
        """How the store knows this source; a feed that moves from http to https stays the same source."""
        return f"feed:{urls.canonical(self.url)}" if self.kind == "feed" else f"folder:{self.path.as_posix()}"


class Newsletter(Table):
    """A newsletter that readers can subscribe to."""

    #: Short name, used in commands and addresses.
    name: ShortName
    #: As readers see it; empty: the site's title.
    title: str = ""
    #: What readers may choose; the first is the default.
    frequencies: tuple[Frequency, ...] = Field(default=(Frequency.DAILY,), min_length=1)
    #: Local time of day at which it is due, unless the reader chose another.
    time: Clock = time(7, 0)
    #: Day on which a weekly edition is due, 0 is Monday, unless the reader chose another.
    weekday: int = Field(default=0, ge=0, le=6)
    #: Slugs of the sections it offers; empty: all.
    sections: tuple[str, ...] = ()
    #: A newly confirmed reader gets the newest ten articles at once.
    welcome: bool = True


class Subscribing(Table):
    """How often strangers may ask for mail: a form must be no weapon."""

    #: A confirmation link is good for so long.
    link: Pause = timedelta(days=7)
    #: Between two confirmation mails for one subscription.
    pause: Pause = timedelta(minutes=10)
    #: Confirmation mails to one mailbox in a day, over all newsletters and spellings of its address.
    per_address: int = Field(default=5, ge=1)
    #: Forms from one network (an IPv4 address, or the /64 of an IPv6 one) in ten minutes.
    per_network: int = Field(default=20, ge=1)
    #: Confirmation mails that forms ask for in an hour, in all.
    in_all: int = Field(default=1000, ge=1)


class Hub(Table):
    """The WebSub hub."""

    #: Run the WebSub hub, and announce it in the feeds, which are pushed to whoever subscribes at `/hub`.
    enabled: bool = True
    #: Let WebSub callbacks, and the hubs of `ping`, be private addresses (for tests).
    allow_private: bool = False
    #: Other hubs, which are told of each feed that changed, and which the feeds announce too.
    ping: tuple[HubAddress, ...] = ()
    #: Method of `X-Hub-Signature`, where a subscriber gave a secret.
    signature: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    #: How long a subscription lasts whose subscriber does not say.
    lease: Pause = timedelta(days=10)
    #: The shortest that is granted.
    lease_min: Pause = timedelta(seconds=1)
    #: The longest that is granted.
    lease_max: Pause = timedelta(days=30)
    #: Subscriptions that are taken at most, those that wait to be verified among them.
    callbacks: int = Field(default=10_000, ge=1, le=1_000_000)
    #: The same for each host that callbacks lie at.
    callbacks_per_host: int = Field(default=1_000, ge=1, le=1_000_000)
    #: Hosts whose callbacks are refused; subscriptions that they have are ended.
    blocked: tuple[Host, ...] = ()


class Log(Table):
    """What the program tells about itself."""

    #: Least level that is written.
    level: Literal["debug", "info", "warning", "error"] = "info"
