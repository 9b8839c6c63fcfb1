"""What readers can choose from, in words: for the form that subscribes, and for preferences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from publisher.audience.wanted import WEEKDAYS, zones
from publisher.model import Frequency
from publisher.settings import Newsletter, Site

#: Number and name, as a select has them.
DAYS = [(str(number), name) for number, name in enumerate(WEEKDAYS)]

_REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)
_FREQUENCIES = {
    Frequency.DAILY: "Every day", Frequency.WEEKLY: "Once a week", Frequency.IMMEDIATE: "As it happens",
}
#: By their own names.
_LANGUAGES = {
    "ar": "العربية", "bg": "Български", "cs": "Čeština", "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά",
    "en": "English", "es": "Español", "et": "Eesti", "fa": "فارسی", "fi": "Suomi", "fr": "Français", "ga": "Gaeilge",
    "he": "עברית", "hi": "हिन्दी", "hr": "Hrvatski", "hu": "Magyar", "id": "Bahasa Indonesia", "is": "Íslenska",
    "it": "Italiano", "ja": "日本語", "ko": "한국어", "lt": "Lietuvių", "lv": "Latviešu", "nb": "Norsk bokmål",
    "nl": "Nederlands", "pl": "Polski", "pt": "Português", "ro": "Română", "ru": "Русский", "sk": "Slovenčina",
    "sl": "Slovenščina", "sr": "Српски", "sv": "Svenska", "tr": "Türkçe", "uk": "Українська", "vi": "Tiếng Việt",
    "zh": "中文",
}


def frequencies(letters: Iterable[Newsletter]) -> list[tuple[str, str]]:
    """(value, words) of how often any of these newsletters comes."""
    offered = dict.fromkeys(frequency for letter in letters for frequency in letter.frequencies)
    return [(frequency.value, _FREQUENCIES[frequency]) for frequency in offered]


def weekly(letters: Iterable[Newsletter]) -> bool:
    """Whether any of them comes once a week, so that a day is to be chosen."""
    return any(Frequency.WEEKLY in letter.frequencies for letter in letters)


def sections(letters: Sequence[Newsletter], known: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """(slug, name) of the sections that any of them offers, of those that are `known`."""
    if any(not letter.sections for letter in letters):
        return list(known)
    wanted = {slug for letter in letters for slug in letter.sections}
    return [(slug, name) for slug, name in known if slug in wanted]


def languages(site: Site, chosen: str = "") -> list[tuple[str, str]]:
    """(code, own name); the site's own is the first, and `chosen` is among them."""
    own = (site.language, _LANGUAGES.get(site.language.partition("-")[0].lower(), site.language))
    rest = [(code, name) for code, name in _LANGUAGES.items() if code != site.language]
    more = [] if not chosen or chosen in (site.language, *_LANGUAGES) else [(chosen, chosen)]
    return [own, *more, *sorted(rest, key=lambda one: one[1].casefold())]


@cache
def zone_groups() -> list[tuple[str, list[str]]]:
    """Zones that people live in, by region."""
    groups: dict[str, list[str]] = {}
    for zone in sorted(zones()):
        region = zone.partition("/")[0]
        if region in _REGIONS:
            groups.setdefault(region, []).append(zone)
    return [*groups.items(), ("Other", ["UTC"])]
