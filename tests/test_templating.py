"""Templates: the site's own over those that ship with the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.errors import PublisherError
from publisher.packaged import packaged
from publisher.templating import Templates, safe


def _write(folder: Path, **files: str) -> Templates:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return Templates(folder)


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    """By the template's name; markup that is sanitised already stays as it is."""
    both = "{{ title }} {{ body }}"
    templates = _write(tmp_path, a_html=both, a_xml=both, a_txt=both)
    context = {"title": "<Q&A>", "body": safe("<p>")}
    assert templates.render("a.html", context) == "&lt;Q&amp;A&gt; <p>"
    assert templates.render("a.xml", context) == "&lt;Q&amp;A&gt; <p>"
    assert templates.render("a.txt", context) == "<Q&A> <p>"


def test_own_template_goes_before_the_one_that_ships(tmp_path: Path) -> None:
    """File by file: what a site does not override, it gets from the program."""
    shipped = sorted(path.relative_to(packaged("templates")) for path in packaged("templates").rglob("*.html"))
    name = shipped[0].as_posix()
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("ours")
    assert Templates(tmp_path).render(name, {}) == "ours"
    assert Templates(tmp_path / "nowhere").fingerprint(shipped[0].parts[0]) == Templates().fingerprint(shipped[0].parts[0])


def test_fingerprint_tells_when_templates_of_a_folder_changed(tmp_path: Path) -> None:
    """Of that folder alone."""
    before = _write(tmp_path, site__own_html="one", mail__own_txt="one")
    site, mail = before.fingerprint("site"), before.fingerprint("mail")
    after = _write(tmp_path, site__own_html="two")
    assert after.fingerprint("site") != site
    assert after.fingerprint("mail") == mail
    assert _write(tmp_path, site__own_html="one").fingerprint("site") == site


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("one\n\n{{ nobody }}", "template a.html, line 3: 'nobody' is undefined"),
        ("one\n{% if %}", "template a.html, line 2: Expected an expression, got 'end of statement block'"),
        ("one\n{{ 1 / 0 }}", "template a.html, line 2: ZeroDivisionError: division by zero"),
        ("one\n{{ 'x' + 1 }}", 'template a.html, line 2: TypeError: can only concatenate str (not "int") to str'),
        ("{% include 'gone.html' %}", "template a.html: there is no template gone.html"),
        ("{% include 'b.html' %}", "template b.html, line 2: 'nobody' is undefined"),
        ("{% include 'c.html' %}", "template c.html, line 1: unexpected '}'"),
        ("{% include 'a.html' %}", "template a.html, line 1: RecursionError"),
    ],
)
def test_broken_template_gives_one_line_with_its_place(tmp_path: Path, source: str, message: str) -> None:
    """Whatever is wrong with it, it is an error of the site's, and costs only itself (I12)."""
    templates = _write(tmp_path, a_html=source, b_html="\n{{ nobody }}", c_html="{{ } }}")
    with pytest.raises(PublisherError) as caught:
        templates.render("a.html", {})
    line = str(caught.value)
    assert line.removeprefix(f"template {tmp_path.name}/").removeprefix("template ").startswith(
        message.removeprefix("template ")
    )
    assert "\n" not in line


def test_template_that_is_no_text_or_not_there_gives_one_line(tmp_path: Path) -> None:
    """Nor does a name lead out of the folders."""
    (tmp_path / "a.html").write_bytes(b"\xff")
    with pytest.raises(PublisherError, match=r"template a\.html: UnicodeDecodeError"):
        Templates(tmp_path).render("a.html", {})
    for name in ("gone.html", "../secret.html", "/etc/passwd"):
        with pytest.raises(PublisherError, match="there is no template"):
            Templates(tmp_path).render(name, {})
