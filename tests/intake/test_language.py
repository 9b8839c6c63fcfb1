"""Which language a text is in."""

from __future__ import annotations

import pytest

from publisher.intake import language

TEXTS = {
    "en": "The council met on Monday to talk about the bridge, and went home late.",
    "de": "Der Rat hat am Montag lange über die Brücke gesprochen und nichts beschlossen.",
    "fr": "Le conseil s'est réuni lundi pour parler du pont, et la séance a duré jusqu'à minuit.",
    "es": "El consejo se reunió el lunes para hablar del puente y terminó muy tarde.",
    "ar": "اجتمع المجلس يوم الاثنين للحديث عن الجسر وانتهى الاجتماع في ساعة متأخرة.",
    "ja": "町議会は月曜日に橋について話し合い、会議は夜遅くまで続いたという。",
    "ru": "Совет собрался в понедельник, чтобы обсудить мост, и разошёлся поздно вечером.",
}


@pytest.mark.parametrize("code", TEXTS)
def test_a_sentence_is_enough(code: str) -> None:
    """One sentence tells its language."""
    assert language.detect(TEXTS[code]) == code


@pytest.mark.parametrize("text", ["", "Hm", "OK", "News", "1234567890 " * 10, "Radio Taxi Hotel"])
def test_too_little_text_says_nothing(text: str) -> None:
    """Where the text cannot tell, nothing is claimed: the site's language stands."""
    assert language.detect(text) == ""


def test_regions_of_a_language_match_it() -> None:
    """A tag with a region means its language."""
    assert language.matches("en-GB", "en")
    assert language.matches("pt_BR", "pt")
    assert not language.matches("de", "en")
