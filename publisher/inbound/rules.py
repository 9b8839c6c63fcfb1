"""What the words and codes of a refusal mean: a table of rules, tried in order; the operator's come first. Pure.

    words, codes | the operator's rules | clear words | clear codes | vague words | vague codes -> hard, soft or policy

Words count for more than codes: on real bounces class 5 is mostly policy, spam, quota, authentication and rate, and
servers give 5.1.1, 5.7.1 and 5.0.0 for nearly anything. What the words are stands in `publisher.inbound.phrases`.
Codes are RFC 3463's with its successors (RFC 7372, RFC 7505 and the IANA registry), and RFC 5321's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from publisher.inbound import phrases
from publisher.inbound.fields import ADDRESS
from publisher.incoming import ReportClass

_HARD, _SOFT, _POLICY = ReportClass.HARD, ReportClass.SOFT, ReportClass.POLICY
#: Characters of a refusal that are looked at.
LONGEST = 1_500


@dataclass(frozen=True, slots=True)
class Rule:
    """What a refusal means whose words match."""

    #: Shown as the reason of a decision.
    name: str
    #: Of a final refusal (5xx).
    final: ReportClass
    #: Of a refusal for the time being (4xx), also where it was repeated until the message was given up.
    passing: ReportClass
    #: Matches somewhere in the words, as `plain` makes them.
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a refusal means."""

    report_class: ReportClass
    #: Name of the rule, as "full" or "code 5.1.1".
    rule: str
    #: The words that matched, and in which of the texts; empty where the code decided.
    words: str = ""
    text: int = 0


def own_rule(name: str, match: str, report_class: ReportClass) -> Rule:
    """A rule of the operator's, for the words as they came. Raises re.error where `match` is no regular expression."""
    return Rule(name, report_class, report_class, re.compile(match, re.IGNORECASE))


def judge(texts: Sequence[str], enhanced: str, basic: str, own: Sequence[Rule] = ()) -> Ruling:
    """What a refusal with these words and codes means.

    `texts`: the words, the nearest to the refusal first; vague words count in the first only. `enhanced` as "5.1.1",
    `basic` as "550"; either may be empty.
    """
    passing = (enhanced or basic).startswith("4")
    raw = [text[:LONGEST] for text in texts]
    codes = (basic, enhanced) if basic and enhanced.endswith(".0.0") else (enhanced, basic)
    return (
        _of_words(own, raw, passing=passing)
        or _of_words(RULES, map(plain, raw), passing=passing)
        or _of_code(_CODES, *codes)
        or _of_words(VAGUE, map(plain, raw[:1]), passing=passing)
        or _of_code(_FAMILIES, *codes)
        or Ruling(_SOFT, "no reason given")
    )


def _of_words(rules: Sequence[Rule], texts: Iterable[str], *, passing: bool) -> Ruling | None:
    for number, text in enumerate(texts if rules else ()):
        for rule in rules:
            match = rule.pattern.search(text)
            if match:
                found = rule.passing if passing and not _for_good(rule, text) else rule.final
                return Ruling(found, rule.name, match[0][:200], number)
    return None


def _for_good(rule: Rule, text: str) -> bool:
    """Whether a refusal for the time being, repeated until the message was given up, says that nobody is there."""
    return rule.name in ("no such user", "no such domain") and _MAY_PASS.search(text) is None


def _of_code(table: Mapping[str, ReportClass], *codes: str) -> Ruling | None:
    for code in codes:
        for known in (code, code.rpartition(".")[0], code[:1]):
            if known and known in table:
                return Ruling(table[known], f"code {code}")
    return None


def plain(words: str) -> str:
    """`words` as the table has them: lower case, one line, no accents, addresses as `@`, no names of hosts."""
    text = _HOST.sub(" ", ADDRESS.sub("@", words[:LONGEST]))
    text = unicodedata.normalize("NFKD", text.lower()).translate(_QUOTES)
    if not text.isascii():
        text = "".join(char for char in text if not unicodedata.combining(char) or char in _VOICED)
        text = unicodedata.normalize("NFC", text)
    return re.sub(r"[<\[(\"']*@[>\])\"']*", "@", re.sub(r"\s+", " ", text)).strip()


_QUOTES = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u00b4`", "'"), **dict.fromkeys("\u201c\u201d", '"'),
    **dict.fromkeys("\u2010\u2011", "-"), "\u00df": "ss", "\u00ad": None,
})
#: Marks that make another letter of a Japanese one.
_VOICED = "\u3099\u309a"
#: The server that speaks, as other servers name it: `host mx.example.org[192.0.2.1] said:`.
_HOST = re.compile(
    r"(?:\bhost|\bserver|\bfrom|\bby|\bvia|\bmta) +[\w-]+(?:\.[\w-]+)+\.?"
    r"(?: ?[\[(][^\])]{2,60}[\])])?(?: said| says| dit| sagte|:)?"
    r"|[\w-]+(?:\.[\w-]+)+ ?\[[0-9a-fA-F.:]{7,45}\](?: said:)?",
    re.IGNORECASE,
)

#: What a server says beside it that could not look, or would not yet.
_MAY_PASS = re.compile(r"temporar|try again|later|verif|could not be checked|gr[ae]y|deferred|lookup (?:fail|error)")

#: Codes that mean one thing, unless words say another. The hard ones are few: see the module's docstring.
_CODES = {
    **dict.fromkeys(("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4", "556"), _HARD),
    **dict.fromkeys(("5.1.7", "5.1.8", "5.1.9", "5.2.3", "5.3.4", "5.6", "5.7", "530", "535", "521"), _POLICY),
    **dict.fromkeys(("5.2.2", "4.2", "4.4", "4.7"), _SOFT),
}
#: The rest, by class and subject: nobody is stopped for a code that may mean anything.
_FAMILIES = {"554": _POLICY, "5": _SOFT, "4": _SOFT}


#: Whatever a mailbox, or who has it, is called.
_USER = (
    "(?:(?<!ip )(?:users?|recipients?|mail ?box(?:es)?|mail-box|accounts?|addressees?|address(?:es)?|alias|inbox|"
    "local ?part|customer|subscriber|person|member|login|user ?id|maildrop|destination|e-?mail|user ?name|rcpt|"
    "screen ?name))"
)
_SHORT = {"USER": _USER, "ADDR": r"(?:@ ?)?", "GAP": r"[^.;]{0,60}?",
          # A dot within a word, as in a name of a host, ends no sentence.
          "[^.;]": r"(?:[^.;]|\.(?=\w))"}


def _rule(name: str, final: ReportClass, passing: ReportClass, *tables: str) -> Rule:
    lines = [line.lstrip() for table in tables for line in table.strip("\n").split("\n")]
    pattern = "|".join(lines)
    for short, long in _SHORT.items():
        pattern = pattern.replace(short, long)
    return Rule(name, final, passing, re.compile(pattern))


#: Who refuses us is looked at first: that is said in words that sound like a dead address.
RULES: tuple[Rule, ...] = (
    _rule("sender", _POLICY, _POLICY, phrases.SENDER),
    _rule("too many dead addresses", _POLICY, _SOFT, phrases.MANY_DEAD),
    _rule("full", _SOFT, _SOFT, phrases.FULL, phrases.FULL_ABROAD),
    _rule("blocked", _POLICY, _POLICY, phrases.BLOCKED),
    _rule("unauthenticated", _POLICY, _POLICY, phrases.UNAUTHENTICATED),
    _rule("greylisting", _SOFT, _SOFT, phrases.GREYLISTING),
    _rule("no such user", _HARD, _SOFT, phrases.NO_USER, phrases.NO_USER_ABROAD),
    _rule("closed for a while", _SOFT, _SOFT, phrases.FOR_A_WHILE),
    _rule("closed", _HARD, _SOFT, phrases.CLOSED, phrases.CLOSED_ABROAD),
    _rule("too large", _POLICY, _POLICY, phrases.TOO_LARGE),
    _rule("rate", _POLICY, _SOFT, phrases.RATE),
    _rule("relaying", _POLICY, _SOFT, phrases.RELAYING),
    _rule("restricted recipient", _POLICY, _SOFT, phrases.RESTRICTED),
    _rule("looked up later", _SOFT, _SOFT, phrases.LATER),
    _rule("no such domain", _HARD, _SOFT, phrases.NO_DOMAIN),
    _rule("loop", _SOFT, _SOFT, phrases.LOOP),
)
#: Words so common that a code says more.
VAGUE: tuple[Rule, ...] = (
    _rule("given up", _SOFT, _SOFT, phrases.GIVEN_UP),
    _rule("out of order", _SOFT, _SOFT, phrases.OUT_OF_ORDER),
    _rule("no mailbox", _HARD, _SOFT, phrases.NO_MAILBOX),
    _rule("refused", _POLICY, _SOFT, phrases.REFUSED, phrases.REFUSED_ABROAD),
)
