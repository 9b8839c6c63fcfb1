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
    Endpoint,
    FeedAddress,
    Language,
    Location,
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


class Feeds(Table):
    """What stands in a feed."""

    #: Entries in a feed, and stories on the home page.
    items: int = Field(default=50, ge=1, le=1000)
    #: "full": whole articles in the feeds; "summary": standfirsts only.
    content: Literal["full", "summary"] = "full"


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

    #: Run the WebSub hub. This version has none yet, and announces none.
    enabled: bool = True
    #: Let WebSub callbacks be private addresses (for tests).
    allow_private: bool = False


class Inbound(Table):
    """The way back."""

    #: Where bounces, complaints and unsubscriptions come in.
    lmtp: Endpoint = "127.0.0.1:8024"


class Log(Table):
    """What the program tells about itself."""

    #: Least level that is written.
    level: Literal["debug", "info", "warning", "error"] = "info"
