"""The tables of the configuration, each key documented beside its field.

Types, defaults and the checks that a single key needs; `publisher.config` reads them from file and environment.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from publisher.model import Frequency

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", str(value).strip())
    if match is None:
        raise ValueError('is no duration; write a number and ms, s, m, h or d, as "90s"')
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError('is no IANA time zone; write one such as "Europe/London"')
    return value


def _clock(value: object) -> object:
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", str(value))
    if match is None:
        raise ValueError('is no time of day; write it as "07:00"')
    return time(int(match[1]), int(match[2]))


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError('is no web address; write one such as "https://news.example.org"')
    return value.rstrip("/")


def _mailbox(value: str) -> str:
    address = parseaddr(value)[1]
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", address) or "\n" in value or "\r" in value:
        raise ValueError('is no mail address; write it as "Name <name@example.org>"')
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Zone = Annotated[str, AfterValidator(_zone)]
Clock = Annotated[time, BeforeValidator(_clock)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Site(Table):
    #: Name of the publication: feeds' titles, pages, mastheads.
    title: str = Field(default="The Example Courier", min_length=1)
    #: Public base of every link, without a closing slash.
    url: WebAddress = "http://127.0.0.1:8000"
    #: One sentence about the publication.
    description: str = ""
    #: BCP 47; of pages and feeds, and of articles that do not tell.
    language: str = Field(default="en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    #: Dates without a zone are in this one; so are newsletters' dates.
    timezone: Zone = "UTC"
    #: In every digest's footer; required when `mail.transport` is "smtp".
    postal_address: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The zone that `timezone` names."""
        return ZoneInfo(self.timezone)


class StoreSettings(Table):
    #: `sqlite:///path` (relative to the project root) or `postgresql://user@host/name`.
    url: str = Field(default="sqlite:///var/publisher.db", pattern=r"^(sqlite:///.+|postgresql://.+)$")
    #: "normal" survives the death of the process, "full" a power cut too (SQLite only).
    durability: Literal["normal", "full"] = "normal"


class Output(Table):
    #: Where feeds and pages are written, ready for any web server.
    directory: Path = Path("var/public")


class Feeds(Table):
    #: Entries in a feed, and stories on the home page.
    items: int = Field(default=50, ge=1, le=1000)
    #: "full": whole articles in the feeds; "summary": standfirsts only.
    content: Literal["full", "summary"] = "full"


class Web(Table):
    #: Address to listen on.
    host: str = "127.0.0.1"
    port: Port = 8000


class Source(Table):
    #: Only "folder" is read by this version; "feed" is refused with a clear line.
    kind: Literal["folder", "feed"] = "folder"
    #: Of a folder: where the documents lie.
    path: Path = Path("seeds")
    #: How often the source is looked at, whatever the watcher tells.
    poll: Duration = timedelta(seconds=2)
    #: A file is taken when it has been unchanged for so long.
    settle: Duration = timedelta(milliseconds=200)
    #: "mail": what it held at its first fetch is news; "hold": live, but never mailed.
    backfill: Literal["mail", "hold"] = "mail"

    @property
    def name(self) -> str:
        """How the store knows this source."""
        return f"{self.kind}:{self.path.as_posix()}"


class Newsletter(Table):
    #: Short name, used in commands and addresses.
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
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


class Dkim(Table):
    #: Signing domain (`d=`).
    domain: str = Field(min_length=1)
    #: Selector (`s=`).
    selector: str = Field(min_length=1)
    #: RSA-2048 private key, PEM.
    key_file: Path


class Mail(Table):
    #: "inbox": the development inbox; "smtp"; "maildir": files for another program.
    transport: Literal["inbox", "smtp", "maildir"] = "inbox"
    #: From, as `Name <address>`.
    sender: Mailbox = "Publisher <publisher@localhost>"
    #: Where replies go; empty: to the sender.
    reply_to: str = ""
    #: SMTP server.
    host: str = "127.0.0.1"
    port: Port = 25
    security: Literal["none", "starttls", "tls"] = "none"
    #: Trust this CA file instead of the system's (for a relay with its own certificate).
    ca_file: Path | None = None
    #: SMTP AUTH; empty: no log-in.
    username: str = ""
    #: Of SMTP AUTH.
    password: SecretStr = SecretStr("")
    #: File that holds the password, instead of `password`.
    password_file: Path | None = None
    #: Seconds to wait for a server, written as a duration.
    timeout: Duration = timedelta(seconds=60)
    #: Connections held open at once.
    connections: int = Field(default=8, ge=1, le=256)
    #: Sender processes.
    processes: int = Field(default=1, ge=1, le=64)
    #: Messages on the wire when the program died: "repeat" (same Message-ID) or "hold" for the operator.
    in_doubt: Literal["repeat", "hold"] = "repeat"
    #: Of transport "maildir".
    directory: Path = Path("var/maildir")
    #: Mail waits so long after an article's last change.
    settle_mail: Duration = timedelta(seconds=60)
    #: An edition later than this waits for the next slot.
    catch_up: Duration = timedelta(hours=12)
    #: An `immediate` subscription gets at most one mail in such a time.
    coalesce: Duration = timedelta(minutes=5)
    #: A message refused for so long is given up.
    expiry: Duration = timedelta(days=2)
    #: Absent: messages go out unsigned (the relay signs).
    dkim: Dkim | None = None


class Hub(Table):
    #: Announce the WebSub hub in feeds.
    enabled: bool = True
    #: Let WebSub callbacks be private addresses (for tests).
    allow_private: bool = False


class Inbound(Table):
    #: Where bounces, complaints and unsubscriptions come in.
    lmtp: str = Field(default="127.0.0.1:8024", pattern=r"^.+:\d+$")


class Log(Table):
    #: Least level that is written.
    level: Literal["debug", "info", "warning", "error"] = "info"
