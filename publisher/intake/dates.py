"""Dates as documents write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar janvier enero gennaio januari січня января يناير janeiro stycznia ledna ocak",
            (
                "february feb februar février fevrier febrero febbraio februari лютого февраля فبراير"
                " fevereiro lutego února şubat"
            ),
            "march mar märz maerz mars marzo maart березня марта مارس março marco marca marts března mart",
            "april apr avril abril aprile квітня апреля أبريل ابريل kwietnia dubna nisan",
            "may mai mayo maggio mei травня мая مايو maio maja maj května mayıs",
            "june jun juni juin junio giugno червня июня يونيو junho czerwca června haziran",
            "july jul juli juillet julio luglio липня июля يوليو julho lipca července temmuz",
            "august aug août aout agosto augustus серпня августа أغسطس اغسطس sierpnia augusti srpna ağustos",
            "september sep sept septembre septiembre settembre вересня сентября سبتمبر setembro września září eylül",
            (
                "october oct oktober okt octobre octubre ottobre жовтня октября أكتوبر اكتوبر"
                " outubro października října ekim"
            ),
            "november nov novembre noviembre листопада ноября نوفمبر novembro listopada listopadu kasım",
            (
                "december dec dezember dez décembre decembre diciembre dicembre грудня декабря ديسمبر"
                " dezembro grudnia prosince aralık"
            ),
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
#: Years that no article means: before the first, and so many after the present one.
FIRST_YEAR, YEARS_AHEAD = 1900, 10
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_CLOCK = (
    r"(?:\D{0,12}?(?P<h>[01]?\d|2[0-3])(?:[:.]|\s?h\s?|時)(?P<min>[0-5]\d)(?::(?P<s>[0-5]\d))?"
    r"\s*(?P<half>[ap]\.?m)?(?:\.?\s*(?P<zone>utc|gmt)\b(?![+-]))?)?"
)
_SHORT_YEAR = r"(?P<y>\d\d)(?![/-]?\d)"
_SURE_DAY = r"1[3-9]|2\d|3[01]"
_WRITTEN = (
    re.compile(rf"\b{_YEAR}[-/.](?P<m>\d\d?)[-/.](?P<d>\d\d?)(?!\d){_CLOCK}", re.IGNORECASE),
    re.compile(
        rf"\b(?P<d>\d\d?)(?:st|nd|rd|th|\.|º)?\s+(?:de\s+)?(?P<mon>{_MONTH})\b\.?,?\s+(?:de\s+)?{_YEAR}\b{_CLOCK}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<mon>{_MONTH})\b\.?\s+(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s+{_YEAR}\b{_CLOCK}", re.IGNORECASE),
    re.compile(rf"\b(?P<d>\d\d?)\.(?P<m>\d\d?)\.{_YEAR}\b{_CLOCK}", re.IGNORECASE),
    # With slashes only a day above 12 tells which of the two numbers is the month.
    re.compile(rf"\b(?P<d>1[3-9]|2\d|3[01])/(?P<m>0?[1-9]|1[0-2])/{_YEAR}\b{_CLOCK}", re.IGNORECASE),
    re.compile(rf"\b(?P<m>0?[1-9]|1[0-2])/(?P<d>1[3-9]|2\d|3[01])/{_YEAR}\b{_CLOCK}", re.IGNORECASE),
    re.compile(rf"{_YEAR}\s*年\s*(?P<m>\d\d?)\s*月\s*(?P<d>\d\d?)\s*日{_CLOCK}"),
)
#: As in date lines: "22.11.26". With slashes and dashes only a day above 12 tells which of the numbers is the month.
_SHORT = (
    re.compile(rf"(?<![\d.])(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<y>\d\d)(?![\d.]?\d){_CLOCK}", re.IGNORECASE),
    re.compile(rf"(?<![\d/-])(?P<d>{_SURE_DAY})([/-])(?P<m>0?[1-9]|1[0-2])\2{_SHORT_YEAR}{_CLOCK}", re.IGNORECASE),
    re.compile(rf"(?<![\d/-])(?P<m>0?[1-9]|1[0-2])([/-])(?P<d>{_SURE_DAY})\2{_SHORT_YEAR}{_CLOCK}", re.IGNORECASE),
)
#: What a date may not have behind it where it is to be exact: figures, abbreviations and names of zones.
_UNKNOWN_ZONE = re.compile(r"\b(?!(?:UTC|GMT|[AECMP][SD]T)$)[A-Z]{3,5}$")
_MORE = re.compile(r"\d|\b[A-Z]{2,5}\b|\w/\w")
#: Two figures mean a year of this century.
_CENTURY = 2000
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T]+(\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.IGNORECASE
)

#: RFC 5322's form, and that of C's asctime; the library reads others by half, "6:30 p.m." as half past six.
_RFC = re.compile(
    r"(?:[a-z]{3,9},?\s+)?\d\d?[\s-]+[a-z]{3,9}[\s-]+\d{2,4}\s+\d\d?:\d\d(?::\d\d)?"
    r"(?:\s*(?!am|pm)(?:[a-z]{1,5}|[+-]\d{4}))?(?:\s*\([^()]*\))?"
    r"|[a-z]{3}\s+[a-z]{3}\s+\d\d?\s+\d\d?:\d\d:\d\d(?:\s+[a-z]{1,5})?\s+\d{4}",
    re.IGNORECASE,
)


def parse(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant that `text` means, with the offset that it gives; None where it means none.

    ISO 8601, RFC 2822, and dates as people write them ("5 November 2026, 07:30"). A date without a zone is in `zone`,
    and the result too; one without a time means midnight.
    """
    text = text.strip()
    return _iso(text, zone) or _rfc2822(text, zone) or find(text, zone)


def exact(text: str, zone: ZoneInfo) -> datetime | None:
    """As `parse`, for a field that holds a date and no more: None where a part of it would be passed over.

    Such a part is a time that cannot be, or the name of a zone: "2026-11-20 07:30 EST" is not 07:30 in `zone`.
    """
    text = text.strip()
    if _UNKNOWN_ZONE.search(text):
        return None
    matches = (match for pattern in _WRITTEN if (match := pattern.search(text)))
    match = None if _iso(text, zone) or _rfc2822(text, zone) else next(matches, None)
    return None if match and _MORE.search(text, match.end()) else parse(text, zone)


def is_absurd(moment: datetime, now: datetime) -> bool:
    """True for what no article means by its date: before 1900, over ten years ahead of `now`, the zero of clocks."""
    zero = moment.timestamp() == 0 or moment.isoformat().startswith("1970-01-01T00:00:00")
    return zero or not FIRST_YEAR <= moment.year <= now.year + YEARS_AHEAD


def find(line: str, zone: ZoneInfo) -> datetime | None:
    """The first date written anywhere in `line`, in `zone`; None where there is none."""
    for pattern in _WRITTEN:
        match = pattern.search(line)
        if match is not None:
            return _written(match.groupdict(), zone)
    return None


def find_short(line: str, zone: ZoneInfo) -> datetime | None:
    """The first date in `line` whose year has two figures, of this century, in `zone`; None where there is none.

    Only for lines that are known to be about a date: such figures may as well be a result or a version.
    """
    match = next((found for pattern in _SHORT if (found := pattern.search(line))), None)
    return _written(match.groupdict(), zone) if match else None


def _iso(text: str, zone: ZoneInfo) -> datetime | None:
    match = _ISO.fullmatch(text)
    if match is not None:
        offset = (match[3] or "").upper()
        text = f"{match[1]}T{match[2].replace(',', '.')}{'Z' if offset in ('UTC', 'GMT') else offset}"
    try:
        return _placed(datetime.fromisoformat(text), zone) if "-" in text else None
    except ValueError:
        return None


def _rfc2822(text: str, zone: ZoneInfo) -> datetime | None:
    try:
        return _placed(parsedate_to_datetime(text), zone) if _RFC.fullmatch(text) else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _written(parts: dict[str, str | None], zone: ZoneInfo) -> datetime | None:
    month = _MONTHS[(parts.get("mon") or "").lower()] if parts.get("mon") else int(parts["m"] or 0)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("h", "min", "s"))
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    year = int(parts["y"] or 0)
    year += _CENTURY if year < 100 else 0
    try:
        moment = datetime(year, month, int(parts["d"] or 0), hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return _placed(moment.replace(tzinfo=UTC if parts.get("zone") else None), zone)


def _placed(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """`moment` in its own zone, else in `zone`; None for years that no article can mean and that arithmetic on dates
    cannot bear. A time that the zone's clocks skip is the instant as far behind the last one that they show.
    """
    if not 1600 <= moment.year <= 2500:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
