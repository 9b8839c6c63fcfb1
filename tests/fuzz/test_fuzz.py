"""Whatever the bytes: an article or a reason, soon, in little memory, and nothing in it that runs."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.errors import DocumentError
from tests.fuzz import run, seeds
from tests.fuzz.formats import FORMATS, BrokenError, check
from tests.fuzz.markup import faults, unsafe_address

#: Where every need of the tests is installed, the coverage-guided run takes its minute; elsewhere a taste of it.
_WHOLE = "PUBLISHER_NO_SKIPS" in os.environ


@pytest.mark.parametrize("name", FORMATS)
def test_seeds_are_in_order(name: str) -> None:
    """Samples, and what attackers are known to write; most of them are articles, so that mutations reach far."""
    articles = [check(name, data) for data in FORMATS[name].seeds]
    assert name == "picture" or sum(articles) * 2 >= len(articles)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(dice=st.randoms(use_true_random=False), garbage=st.binary(max_size=60))
def test_mutation_breaks_nothing(name: str, dice: random.Random, garbage: bytes) -> None:
    """Bytes cut out, doubled, turned, replaced by words of the format or by garbage."""
    found = FORMATS[name]
    check(name, run.mutated(dice, dice.choice(found.seeds), (*found.words, garbage)))


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].words])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_words_without_order_break_nothing(name: str, data: st.DataObject) -> None:
    """What documents of the format are made of, heaped up."""
    words = st.sampled_from(FORMATS[name].words)
    check(name, b"".join(data.draw(st.lists(words | st.binary(max_size=4), max_size=40))))


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=300))
def test_garbage_breaks_nothing(name: str, data: bytes) -> None:
    """Bytes of no format at all."""
    check(name, data)


def test_blind_run_finds_nothing(tmp_path: Path) -> None:
    """As it is where atheris has no wheel."""
    assert run.main(["json-feed", "--blind", "--seconds", "1", "--folder", str(tmp_path)]) == 0


def test_run_led_by_coverage_finds_nothing(tmp_path: Path) -> None:
    """A minute over all formats where everything is installed, some seconds over two of them elsewhere."""
    arguments = ["--seconds", "63"] if _WHOLE else ["json-feed", "front-matter", "--seconds", "4"]
    assert run.main([*arguments, "--folder", str(tmp_path)]) == 0


# --- shapes that cost time or memory ---------------------------------------------------------------------------------

_STORY = "<p>" + "The ferry will sail again on Monday, the harbour office said. " * 5 + "</p>"
_ITEM = "<rss version='2.0'><channel><title>N</title><item><title>T</title><description>{}</description></item></channel></rss>"
_BILLION = "<!DOCTYPE lolz [<!ENTITY a '" + "ha" * 10 + "'>" + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9)) + "]>"
_QUADRATIC = f"<!DOCTYPE q [<!ENTITY a '{'a' * 60}'>]>"
_EXTERNAL = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
_PARAMETER = "<!DOCTYPE x [<!ENTITY % a SYSTEM 'http://127.0.0.1/x.dtd'>%a;]>"
_WXR = seeds.WORDPRESS[0].decode()

SHAPES = {
    **{f"feed {name}": ("xml-feed", bomb + _ITEM.format("&j;&a;")) for name, bomb in (
        ("billion laughs", _BILLION), ("external entity", _EXTERNAL), ("parameter entity", _PARAMETER))},
    "feed quadratic": ("xml-feed", _QUADRATIC + _ITEM.format("&a;" * 40_000)),
    **{f"export {name}": ("wordpress", _WXR.replace("<rss ", bomb + "<rss ", 1).replace("Ferry back", "&j;&a;")) for name, bomb in (
        ("billion laughs", _BILLION), ("external entity", _EXTERNAL), ("parameter entity", _PARAMETER), ("quadratic", _QUADRATIC))},
    **{f"xhtml {name}": ("html", f"<?xml version='1.0'?>{bomb}<html xmlns='http://www.w3.org/1999/xhtml'><head><title>T</title></head><body><h1>T</h1>{_STORY}<p>&j;&a;</p></body></html>") for name, bomb in (
        ("billion laughs", _BILLION), ("external entity", _EXTERNAL), ("parameter entity", _PARAMETER), ("quadratic", _QUADRATIC))},
    "html nested": ("html", "<title>T</title>" + "<div>" * 30_000 + _STORY),
    "html quotations": ("html", "<title>T</title>" + "<blockquote>" * 5_000 + _STORY),
    "html formatting": ("html", "<title>T</title>" + "<b><i><u>" * 3_000 + _STORY + "</p>" * 3_000),
    "html tables": ("html", "<title>T</title>" + "<table><tr><td>" * 3_000 + _STORY),
    "html attributes": ("html", "<title>T</title><p " + " ".join(f"a{n}='x'" for n in range(20_000)) + ">" + _STORY),
    "html open": ("html", "<title>T</title>" + _STORY + "<" * 50_000), "html comments": ("html", "<title>T</title>" + _STORY + "<!--" * 30_000),
    "html entities": ("html", "<title>T</title><p>" + "&amp;" * 50_000 + _STORY), "html paragraphs": ("html", "<title>T</title>" + "<p>x" * 30_000 + _STORY),
    "html linked data": ("html", "<title>T</title><script type='application/ld+json'>" + "[" * 50_000 + "</script>" + _STORY),
    "html breaks": ("html", "<title>T</title>" + _STORY + "<br>" * 40_000), "html one line": ("html", "<title>T</title><p>" + "x" * 300_000),
    "text one line": ("text", "word " * 40_000), "text one word": ("text", "T\n\n" + "x" * 100_000), "text lines": ("text", "a b\n" * 30_000),
    "text breaks": ("text", "T\n" + "\n" * 200_000 + "The end of it."), "text spaces": ("text", "T\n\n" + " " * 200_000 + "x"), "text marks": ("text", "T\n\ne" + "\u0301" * 50_000),
    "markdown brackets": ("markdown", "# T\n\n" + "[" * 30_000), "markdown links": ("markdown", "# T\n\n" + "[a](b" * 10_000), "markdown quotes": ("markdown", "# T\n\n" + "> " * 5_000 + "x"),
    "markdown lists": ("markdown", "# T\n\n" + "".join("  " * n + "* a\n" for n in range(300))), "markdown stars": ("markdown", "# T\n\n" + "**a _b " * 10_000),
    "markdown ticks": ("markdown", "# T\n\n" + "".join("`" * n + " " for n in range(400))), "markdown entities": ("markdown", "# T\n\n" + "&#x" * 30_000), "markdown html": ("markdown", "# T\n\n" + "<!-- " * 20_000),
    "markdown table": ("markdown", "# T\n\n|" + "a|" * 2_000 + "\n|" + "-|" * 2_000 + "\n" + "|x\n" * 200), "markdown references": ("markdown", "# T\n\n" + "".join(f"[{n}]: /x\n" for n in range(5_000)) + "[1][1] " * 5_000),
    "markdown codes": ("markdown", "# T\n\n" + "{{< a " * 20_000), "yaml aliases": ("front-matter", "---\na: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)}, ' * 9}x]\n" for n in range(20)) + "title: *u\ntags: *u\n---\nText of it."),
    "yaml nested": ("front-matter", "---\ntitle: " + "[" * 20_000 + "\n---\nText of it."), "yaml keys": ("front-matter", "---\n" + "".join(f"k{n}: v\n" for n in range(3_000)) + "title: T\n---\nText of it."),
    "toml nested": ("front-matter", "+++\ntitle = " + "[" * 20_000 + "\n+++\nText of it."), "toml tables": ("front-matter", "+++\ntitle = 'T'\n" + "".join(f"[a{'.b' * 50}{n}]\n" for n in range(300)) + "+++\nText of it."),
    "json nested": ("json-feed", '{"version": "https://jsonfeed.org/version/1.1", "items": ' + "[" * 50_000), "json numbers": ("json-feed", '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": ' + "9" * 100_000 + "}]}"),
    "json front matter": ("front-matter", '{"title": ' + "[" * 20_000 + "\n\nText of it."), "feed nested": ("xml-feed", _ITEM.format("<a>" * 20_000)), "feed escaped": ("xml-feed", _ITEM.format("&lt;div&gt;" * 10_000 + "x")),
    "feed attributes": ("xml-feed", _ITEM.format("<a " + " ".join(f"a{n}='x'" for n in range(5_000)) + "/>")), "feed sections": ("xml-feed", _ITEM.format("<![CDATA[" * 10_000)), "feed spaces": ("xml-feed", "<rss " + " " * 100_000 + "version='2.0'>"),
    "feed entities": ("xml-feed", "<!ENTITY " * 10_000), "feed dates": ("xml-feed", _ITEM.format("x</description><pubDate>" + "1" * 50_000 + "</pubDate><description>")), "ghost nested": ("ghost", '{"db": ' + "[" * 50_000),
    "export nested": ("wordpress", _WXR.replace("<script>", "<div>" * 20_000)), "export codes": ("wordpress", _WXR.replace("<script>", "[gallery " * 10_000)), "export blocks": ("wordpress", _WXR.replace("<script>", "<!-- wp:html -->" * 5_000)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shape_that_is_made_to_cost_costs_little(shape: str) -> None:
    """Two seconds of this machine and 200 MB at most, an article or a reason."""
    name, text = SHAPES[shape]
    check(name, text.encode())


@pytest.mark.parametrize("shape", [name for name in SHAPES if name.startswith(("feed", "export", "xhtml")) and ("laughs" in name or "entity" in name)])
def test_entity_that_grows_or_leads_elsewhere_is_refused_or_left_out(shape: str) -> None:
    """Neither a file of ours nor a flood of words is ever in an article."""
    name, text = SHAPES[shape]
    if name != "html":
        with pytest.raises(DocumentError, match="without end"):
            list(FORMATS[name].take(text.encode()))
        return
    for article in FORMATS[name].take(text.encode()):
        assert "root:" not in article.content_text
        assert len(article.content_text) < len(text) * 2


# --- the judge -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("evil", seeds.EVIL)
def test_judge_sees_what_runs(evil: str) -> None:
    """Every one of the attacks, were it to come through as it is; but for those that are text, or a link elsewhere."""
    harmless = evil.startswith(("&lt;", "&amp;", "<b>a"))
    assert bool(faults(evil)) is not harmless


@pytest.mark.parametrize(
    "good", ["", "words", "<p>a &lt; b &amp;amp; c</p>", '<p>x<br><a href="https://a.example/?a=1&amp;b=2">y</a></p><img src="https://a.example/x.png" alt="a &gt; b">', '<a href="mailto:a@b.example">x</a>', '<table><thead><tr><th scope="col">x</th></tr></thead></table>'],
)
def test_judge_lets_the_harmless_pass(good: str) -> None:
    """Or it would prove nothing."""
    assert faults(good) == []


@pytest.mark.parametrize(("address", "unsafe"), [("", False), ("https://a.example/", False), ("javascript:a", True), ("java\nscript:a", True), ("//a.example", True), ("data:x", True), (" mailto:a", True)])
def test_judge_knows_addresses(address: str, unsafe: bool) -> None:
    """Those outside of the markup are http or https."""
    assert unsafe_address(address) is unsafe


def test_judge_measures_time_and_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that takes too long is a finding."""
    monkeypatch.setattr("tests.fuzz.formats.CPU", -1.0)
    with pytest.raises(BrokenError, match="it took"):
        check("text", b"Title\n\nThe ferry will sail again on Monday.")


def test_mutations_depend_on_the_seed_alone() -> None:
    """So that a finding can be found again."""
    first, second = (run.mutated(random.Random(7), b"abc" * 100, (b"word",)) for _ in range(2))
    assert first == second != b"abc" * 100
