"""Which language a text is in. The only code that knows py3langid. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any

#: Letters that it takes to be sure in an alphabet shared by many languages.
_ENOUGH = 40
_SURE = 0.8
_SAMPLE = 1500


def detect(text: str) -> str:
    """ISO 639-1 code of the language of `text`; empty where it is too short or too mixed to tell."""
    sample = text[:_SAMPLE]
    if sum(map(str.isalpha, sample)) < _ENOUGH // (1 if sample.isascii() else 2):
        return ""
    code, probability = _identifier().classify(sample)
    return str(code) if code and probability >= _SURE else ""


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - loads numpy and a model: 0.7 s

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def matches(tag: str, code: str) -> bool:
    """True if the language tag `tag` (as "en-GB") means the language `code` (as "en")."""
    return tag.replace("_", "-").partition("-")[0].lower() == code
