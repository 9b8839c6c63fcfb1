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
            "january jan januar janvier enero gennaio januari січня января يناير",
            "february feb februar février fevrier febrero febbraio februari лютого февраля فبراير",
            "march mar märz maerz mars marzo maart березня марта مارس",
            "april apr avril abril aprile квітня апреля أبريل ابريل",
            "may mai mayo maggio mei травня мая مايو",
            "june jun juni juin junio giugno червня июня يونيو",
            "july jul juli juillet julio luglio липня июля يوليو",
            "august aug août aout agosto augustus серпня августа أغسطس اغسطس",
            "september sep sept septembre septiembre settembre вересня сентября سبتمبر",
            "october oct oktober okt octobre octubre ottobre жовтня октября أكتوبر اكتوبر",
            "november nov novembre noviembre листопада ноября نوفمبر",
            "december dec dezember dez décembre decembre diciembre dicembre грудня декабря ديسمبر",
        ),
        start=1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?P<y>(?:19|20)\d\d)"
_CLOCK = r"(?:\D{0,12}?(?P<h>[01]?\d|2[0-3])[:.](?P<min>[0-5]\d)(?::(?P<s>[0-5]\d))?\s*(?P<half>[ap]\.?m)?)?"
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
    re.compile(rf"{_YEAR}\s*年\s*(?P<m>\d\d?)\s*月\s*(?P<d>\d\d?)\s*日"),
)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T]+(\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


def parse(text: str, zone: ZoneInfo) -> datetime | None:
    """The instant that `text` means, with the offset that it gives; None where it means none.

    ISO 8601, RFC 2822, and dates as people write them ("5 November 2026, 07:30"). A date without a zone is in `zone`,
    and the result too; one without a time means midnight.
    """
    text = text.strip()
    return _iso(text, zone) or _rfc2822(text, zone) or find(text, zone)


def find(line: str, zone: ZoneInfo) -> datetime | None:
    """The first date written anywhere in `line`, in `zone`; None where there is none."""
    for pattern in _WRITTEN:
        match = pattern.search(line)
        if match is not None:
            return _written(match.groupdict(), zone)
    return None


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
        return _placed(parsedate_to_datetime(text), zone) if ":" in text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _written(parts: dict[str, str | None], zone: ZoneInfo) -> datetime | None:
    month = _MONTHS[(parts.get("mon") or "").lower()] if parts.get("mon") else int(parts["m"] or 0)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("h", "min", "s"))
    half = (parts.get("half") or "").lower()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    try:
        moment = datetime(int(parts["y"] or 0), month, int(parts["d"] or 0), hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return _placed(moment.replace(tzinfo=None), zone)


def _placed(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """`moment` in its own zone, else in `zone`; None for years that no article can mean and that arithmetic on dates
    cannot bear. A time that the zone's clocks skip is the instant as far behind the last one that they show.
    """
    if not 1600 <= moment.year <= 2500:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
