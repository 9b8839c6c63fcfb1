"""What the shape of a line says about its role on a news page. Pure.

Shape is length, sentence ends, capitals, digits and signs: it holds across languages. The few words below are common
words of the trade in several languages ("read more", "by", "photo"), never the wording of one site.
"""

from __future__ import annotations

import re
from functools import lru_cache

from publisher.intake.lines import ends_sentence
from publisher.model import Related
from publisher.text import fold, folded_words, one_line

_MAY_POINT = re.compile(r"[:：»>–—|-]")
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")

#: Words that lead from one story to another.
_POINTERS = (
    r"(?:also )?(?:read|see|watch|more|related|recommended)(?: (?:also|more|next|on this|stor(?:y|ies)|articles?))?",
    r"don.t miss|you may also like|in case you missed it",
    r"(?:lesen|sehen) sie (?:auch|mehr|dazu)|mehr (?:dazu|zum thema)|siehe auch|zum thema|weiterlesen",
    r"(?:à )?(?:lire|voir)(?: aussi)?|lire la suite|sur le même sujet|en savoir plus",
    r"(?:leer|lea|ver|vea|lee) (?:también|más)|te puede interesar|noticias? relacionadas?",
    r"(?:leggi|vedi) anche|(?:leia|veja) (?:também|mais)|(?:lees|bekijk) (?:ook|meer)",
    r"(?:läs|les|læs) (?:också|også|mer|mere)|czytaj (?:też|także|więcej)|zobacz (?:też|także)",
    r"читайте также|читать далее|смотрите также|по теме|(?:читайте|дивіться) також|більше за темою|схожі новини",
    r"das könnte (?:sie|dich) (?:auch )?interessieren|more on this(?: story| topic)?|(?:le|te) puede interesar",
    r"(?:[إا]قر[أا]|شاهد) (?:[أا]يض[اًا]+|المزيد)|مواضيع ذات صلة|関連記事|続きを読む|관련 ?기사|相关阅读|延伸阅读",
)
_POINTER = "|".join(_POINTERS)
_POINTS = re.compile(rf"(?P<label>{_POINTER})(?:\s*[:：»>]\s*|\s+[–—|-]\s+)(?P<title>\S.+)", re.IGNORECASE)
_POINTER_ALONE = re.compile(rf"(?:{_POINTER})\s*[:：»>]?", re.IGNORECASE)
_SHOUTED = re.compile(r"(?P<label>[A-ZÀ-ÖØ-Þ]{3,}(?: [A-ZÀ-ÖØ-Þ]{2,}){1,3})\s*[:：]\s*(?P<title>\S.+)")

_CREDIT_WORD = (
    r"photo(?:graph)?s?|image|picture|foto|bild|imagen|crédit(?:o|s)? ?photo|crédito|credit|picture credit|illustration"
    r"|صورة|تصوير|фото|світлина|写真"
)
_CREDIT_SIGN = re.compile(
    r"^(?P<caption>.*?)\s*[(\[]?\s*(?:©|\(c\))\s*(?P<credit>[^()\[\]]{2,120}?)\s*[)\]]?$",
    re.IGNORECASE,
)
_CREDIT_LABEL = re.compile(
    rf"^(?P<caption>.*?)\s*[(\[|/–—-]?\s*\b(?:{_CREDIT_WORD})(?:\s+(?:by|von|de|di))?\s*[:：]"
    r"\s*(?P<credit>[^()\[\]]{2,80}?)[)\]]?$",
    re.IGNORECASE,
)
_CREDIT_ALONE = re.compile(
    rf"(?:{_CREDIT_WORD}|crédits?|credits?)(?:\s+(?:by|von|de|di))?\s*[:：]\s*(?P<credit>[^()\[\]]{{2,80}})",
    re.IGNORECASE,
)
_NOTICE = re.compile(r"^(?:19|20)\d\d\b|\brights reserved\b|\bcopyright\b|^[\d\W]*$", re.IGNORECASE)

_RIGHTS = re.compile(
    r"^(?:©|\(c\)|copyright\b)|\brights reserved\b|\balle rechte vorbehalten\b|\btous droits réservés\b",
    re.IGNORECASE,
)
#: A line without any of these tells of no rights: asking so costs less than the pattern.
_RIGHTS_HINTS = ("©", "(c)", "copyright", "rights", "rechte", "droits")
_PAGE_WORD = re.compile(
    r"\b(?:share|tweet|comments?|repl(?:y|ies)|log ?in|sign (?:in|up)|subscribe|newsletters?|advertisements?|sponsored"
    r"|cookies?|privacy|print|e-?mail|facebook|twitter|whatsapp|linkedin|pinterest|instagram|menu|search|tags?|categor(?:y|ies)|posted"
    r"|teilen|kommentare?|anzeige|drucken|partager|commentaires?|imprimer|compartir|comentarios?|condividi|delen)\b"
    r"|©|@\w|https?://|www\.",
    re.IGNORECASE,
)
#: A line of ASCII without any of these words, and without an address, has none: asking a set costs less.
_MAY_BE_PAGE = frozenset((
    "share", "tweet", "comment", "comments", "reply", "replies", "log", "login", "sign", "subscribe", "newsletter",
    "newsletters", "advertisement", "advertisements", "sponsored", "cookie", "cookies", "privacy", "print", "mail",
    "email", "facebook", "twitter", "whatsapp", "linkedin", "pinterest", "instagram", "menu", "search", "tag", "tags",
    "category", "categories", "posted", "teilen", "kommentar", "kommentare", "anzeige", "drucken", "partager",
    "commentaire", "commentaires", "imprimer", "compartir", "comentario", "comentarios", "condividi", "delen",
))  # fmt: skip
_ADDRESS = re.compile(r"[@:]|[wW]{3}")

#: Lines are asked for more than once, and those of the page around an article stand on every page.
_remembered = lru_cache(maxsize=8192)

#: First words of buttons and of calls to do something, as shops and services write them; in lower case.
_CALLS = (
    "shop buy order download get request book try start sign join subscribe contact talk apply learn explore see view "
    "find close expand become watch listen register take build discover unlock access claim save compare schedule call "
    "visit click submit add ask donate support kaufen bestellen entdecken anmelden herunterladen découvrez téléchargez "
    "voir inscrivez abonnez compra descarga descubre ver suscríbete переглянути завантажити купити "
    "підписатися حمل شاهد اشترك"
)
CALLS = frozenset(_CALLS.split())
#: Asking readers to subscribe: what they are to do, and what they get.
_ASKED = re.compile(
    r"\b(?:subscribe|sign up|register|join|get|receive|follow|abonnieren|anmelden|bestellen|melden sie|inscri(?:vez|s)"
    r"|abonne[zr]?|recevez|suscr[ií]b\w*|recib[ea]\w*|apúnt\w+|підпи\w+|подпи\w+|отримуйте)\b|اشترك|سجل",
    re.IGNORECASE,
)
_OFFERED = re.compile(
    r"\b(?:newsletters?|mailing list|inbox|notifications?|alerts|latest (?:updates|news|posts)|infolettre|notre lettre"
    r"|bolet[ií]n|розсилк\w*|рассылк\w*)\b|النشرة",
    re.IGNORECASE,
)
#: A line without any of these offers nothing of the kind: asking so costs less than the pattern.
_OFFER_HINTS = (
    "newsletter", "mailing list", "inbox", "notification", "alerts", "latest ", "infolettre", "notre lettre", "bolet",
    "розсилк", "рассылк", "النشرة",
)  # fmt: skip
_LIST_OF_CONTENTS = re.compile(
    r"(?:table of )?contents|(?:in|on) this (?:article|page|post|guide)|inhalt(?:sverzeichnis)?|sommaire"
    r"|table des matières|[ií]ndice|en este artículo|зміст|содержание|المحتويات|目次",
    re.IGNORECASE,
)


def width(line: str) -> int:
    """Width in Latin letters: one of a script without spaces says as much as two."""
    return len(line) + (len(_WIDE.findall(line)) if not line.isascii() else 0)


def words(line: str) -> int:
    """Number of words; in a script without spaces, about one for two characters."""
    return max(len(line.split()), len(_WIDE.findall(line)) // 2 if not line.isascii() else 0)


def is_sentence(line: str) -> bool:
    """True for what looks like running text: long, or of some length with a sentence's end."""
    span = width(line)
    return span >= 80 or (span >= 40 and ends_sentence(line))


def is_titlelike(line: str) -> bool:
    """True for what could be a headline: some words on one line, no full stop at its end."""
    return len(line) <= 200 and 2 <= words(line) <= 32 and not re.search(r"[.。।:;,]$", line)


@_remembered
def is_page_words(line: str) -> bool:
    """True for a short line of the page around the article: buttons, links, counters."""
    if len(line) >= 80:
        return False
    may_be = not line.isascii() or _ADDRESS.search(line) or not _MAY_BE_PAGE.isdisjoint(folded_words(line))
    return bool(may_be) and _PAGE_WORD.search(line) is not None


def is_notice(line: str) -> bool:
    """True for a copyright notice."""
    if len(line) >= 250:
        return False
    small = line.casefold()
    return any(hint in small for hint in _RIGHTS_HINTS) and _RIGHTS.search(line) is not None


@_remembered
def is_prompt(line: str) -> bool:
    """True for a short line that asks readers to subscribe, or that heads a page's own list of contents."""
    if len(line) > 130:
        return False
    small = line.casefold()
    if any(hint in small for hint in _OFFER_HINTS) and _OFFERED.search(line) is not None:
        return _ASKED.search(line) is not None or "your inbox" in small
    return len(line) < 40 and _LIST_OF_CONTENTS.fullmatch(line.rstrip(" :：")) is not None


def pointer(line: str) -> Related | None:
    """The story that a promo line points to, as in "READ MORE: Bridge to close"; None for other lines."""
    if len(line) > 200 or not _MAY_POINT.search(line):
        return None
    match = _POINTS.fullmatch(line)
    if match is None and not ends_sentence(line):
        match = _SHOUTED.fullmatch(line)
    if match is None or re.search(r"[.。]$", match["title"]):
        return None
    return Related(one_line(match["title"]))


@_remembered
def is_pointer_label(line: str) -> bool:
    """True for "Related stories" and its kin on a line of their own."""
    return len(line) < 40 and _POINTER_ALONE.fullmatch(line) is not None


def caption(line: str) -> tuple[str, str] | None:
    """(caption, credit) of a picture's line, as "Text © Agency / Person" or "Text (Photo: Person)"; else None."""
    if len(line) > 500 or not ("©" in line or ":" in line or "：" in line or "(c)" in line.lower()):
        return None
    signed = _CREDIT_SIGN.match(line) if "©" in line or "(c)" in line.lower() else None
    match = signed or _CREDIT_LABEL.match(line)
    if match is None or _NOTICE.search(match["credit"]) or _NOTICE.search(match["caption"][-24:]):
        return None
    return one_line(match["caption"]).rstrip(" –—-|/"), one_line(match["credit"]).rstrip(" .")


def credit(line: str) -> str:
    """Whose the picture is, from a line that says nothing else, as "Photo: Person"; empty for other lines."""
    match = _CREDIT_ALONE.fullmatch(line) if len(line) < 100 else None
    return one_line(match["credit"]).rstrip(" .") if match else ""


def same(a: str, b: str) -> bool:
    """True if two lines say the same, case and punctuation apart."""
    return fold(a) == fold(b)
