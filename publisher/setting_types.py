"""What a single value of the configuration may be, with a line for whoever wrote another."""

from __future__ import annotations

import re
from datetime import time, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from publisher import urls
from publisher.address import parse
from publisher.errors import PublisherError

_LONGEST = timedelta(days=1000)

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|m|h|d)", str(value).strip(), re.ASCII)
    found = timedelta(**{_UNITS[match[2]]: float(match[1])}) if match is not None else _LONGEST
    if found >= _LONGEST:
        raise ValueError('is no duration below 1000 days; write a number with ms, s, m, h or d, as "90s"')
    return found


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError('must be more than nothing; write it as "2s"')
    return value


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


def _feed_address(value: str) -> str:
    if value and not (re.fullmatch(r"https?://[^\s/?#@]+(?:[/?][^\s#]*)?", value) and urls.canonical(value)):
        raise ValueError('is no address of a feed; write one such as "https://news.example.org/rss.xml"')
    return value


def _hub_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@<>\"]+(?:[/?][^\s#<>\"]*)?", value):
        raise ValueError('is no address of a hub; write one such as "https://hub.example.net/"')
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"[^\s/?#@]+", value):
        raise ValueError('is no host; write one such as "reader.example.net"')
    return value.lower().strip("[].")


def _old_path(value: str) -> str:
    if not re.fullmatch(r"/[^\s?#]*", value):
        raise ValueError('is no path; write one such as "/feed.xml"')
    return value


def _new_place(value: str) -> str:
    if value and not re.fullmatch(r"(?:/(?!/)|https?://[^\s/?#]+/?)[^\s#]*", value):
        raise ValueError('is no path or web address; write one such as "/rss.xml", or "" for a feed that has ended')
    return value


def _hook(value: SecretStr) -> SecretStr:
    if value.get_secret_value() and not re.fullmatch(r"https?://[^\s/?#@]+(?:[/?]\S*)?", value.get_secret_value()):
        raise ValueError('is no web address; write one such as "https://chat.example.org/hooks/abc"')
    return value


def _mailbox(value: str) -> str:
    try:
        parse(parseaddr(value)[1])
    except PublisherError as error:
        raise ValueError('is no mail address; write it as "Name <name@example.org>"') from error
    if not value.isprintable():
        raise ValueError("holds a character that no address may hold")
    return value


def _domain(value: str) -> str:
    try:
        return parse(f"a@{value}").domain.lower()
    except PublisherError as error:
        raise ValueError('is no domain of mail; write one such as "example.net"') from error


def _mailbox_or_none(value: str) -> str:
    return _mailbox(value) if value else value


def _store_url(value: str) -> str:
    if not re.fullmatch(r"sqlite:///[^?]+|postgresql://.+", value):
        raise ValueError('is no store; write "sqlite:///path/to/file.db" or "postgresql://user@host/name"')
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError('is no language tag; write one such as "en" or "pt-BR"')
    return value


def _short_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", value):
        raise ValueError('is no short name; write up to 40 of a-z, 0-9 and "-", as "daily"')
    return value


def _domain_or_none(value: str) -> str:
    return _domain(value) if value else value


def _endpoint(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (host and colon and re.fullmatch(r"[1-9]\d{0,4}", port, re.ASCII) and int(port) < 65536):
        raise ValueError('is no address to listen on; write host and port, as "127.0.0.1:8024"')
    return value


def _endpoint_or_none(value: str) -> str:
    try:
        return _endpoint(value) if value else value
    except ValueError as error:
        raise ValueError('is no server; write its address and port, as "127.0.0.1:53"') from error


def _listening_or_none(value: str) -> str:
    return _endpoint(value) if value else value


def _times_of_day(value: object) -> object:
    if value in ("", None):
        return None
    begins, dash, ends = str(value).partition("-")
    if not dash or begins.strip() == ends.strip():
        raise ValueError('is no span of the day; write it as "22:00-06:30"')
    return _clock(begins.strip()), _clock(ends.strip())


def _not_empty(value: object) -> object:
    if value == "":
        raise ValueError("is empty; write a path")
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Pause = Annotated[Duration, AfterValidator(_positive)]
Zone = Annotated[str, AfterValidator(_zone)]
Clock = Annotated[time, BeforeValidator(_clock)]
#: From when to when, over midnight where the first is the later; None: never.
TimesOfDay = Annotated[tuple[time, time] | None, BeforeValidator(_times_of_day)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
#: In A-labels and lower case.
Domain = Annotated[str, AfterValidator(_domain)]
DomainOrNone = Annotated[str, AfterValidator(_domain_or_none)]
Location = Annotated[Path, BeforeValidator(_not_empty)]
Port = Annotated[int, Field(ge=1, le=65535)]
Language = Annotated[str, AfterValidator(_language)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
FeedAddress = Annotated[str, AfterValidator(_feed_address)]
HubAddress = Annotated[str, AfterValidator(_hub_address)]
#: Name or address, in lower case.
Host = Annotated[str, AfterValidator(_host)]
OldPath = Annotated[str, AfterValidator(_old_path)]
NewPlace = Annotated[str, AfterValidator(_new_place)]
Hook = Annotated[SecretStr, AfterValidator(_hook)]
ShortName = Annotated[str, AfterValidator(_short_name)]
MailboxOrNone = Annotated[str, AfterValidator(_mailbox_or_none)]
EndpointOrNone = Annotated[str, AfterValidator(_endpoint_or_none)]
#: An address to listen on; empty: none.
ListeningOrNone = Annotated[str, AfterValidator(_listening_or_none)]


class Table(BaseModel):
    """A table of the file: frozen, and without keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
