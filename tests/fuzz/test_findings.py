"""What fuzzing found, each as small as it could be made: it stays found."""

from __future__ import annotations

import json

import pytest

from publisher import urls
from publisher.errors import DocumentError
from tests.fuzz.formats import FORMATS, check

_TEXT = "The ferry will sail again on Monday, the harbour office said."
_RSS = "<rss version='2.0'><channel><title>N</title><item>{}<description>" + _TEXT + "</description></item></channel></rss>"

FINDINGS = {
    "canonical address that runs": ("front-matter", f"---\ntitle: T\ncanonical_url: data:x\nimage: mailto:a@b.example\n---\n{_TEXT}".encode()),
    "zero byte in a link": ("xml-feed", _RSS.format("<link>https://a.example/\x01\x00x</link><guid>https://a.example/\x00</guid>").encode()),
    "zero byte in a type": ("xml-feed", _RSS.format("<enclosure url='https://a.example/\x00' type='a\x00/b'/>").encode("utf-8")),
    "zero byte in JSON": ("json-feed", json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"id": "\x00\ud800", "url": "/\x00", "content_text": _TEXT, "attachments": [{"url": "/\ud800", "mime_type": "a\x00"}]}]}).encode()),
    "control character in a slug": ("ghost", json.dumps({"db": [{"meta": {"version": "5.0"}, "data": {"posts": [{"id": "1", "title": "T", "slug": "f\x01erry", "html": f"<p>{_TEXT}</p>", "status": "published", "type": "post"}]}}]}).encode()),
    "UTF-16 that is none": ("wordpress", b"<?xml version='1.1' encoding='utf-16'?>\n"),
    **{f"encoding {name}": ("wordpress", f"<?xml version='1.0' encoding='{name}'?><rss>".encode()) for name in ("hex", "idna", "punycode", "undefined", "utf-7", "zlib", "unicode_escape", "rot13", "utf-32")},
}


@pytest.mark.parametrize("name", FINDINGS)
def test_finding_is_mended(name: str) -> None:
    """An article without anything forbidden, or a refusal."""
    check(*FINDINGS[name])


def test_addresses_lead_to_the_web_or_nowhere() -> None:
    """What front matter calls canonical is asked like every link."""
    (made,) = FORMATS["front-matter"].take(FINDINGS["canonical address that runs"][1])
    assert (made.source_url, made.image) == ("", "")
    assert urls.resolve_web("https://a.example/b/", "c") == "https://a.example/b/c"
    assert urls.resolve_web("https://a.example/", "mailto:a@b.example") == ""


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://a.example/\x00b", "https://a.example/%00b"), ("https://a.example/a b", "https://a.example/a%20b"), ('https://a.example/"<>', "https://a.example/%22%3C%3E"),
        ("https://a.example/ä?ö#ü", "https://a.example/ä?ö#ü"), ("https://a.example/%20%zz", "https://a.example/%20%zz"), ("https://a.example/\ud800", "https://a.example/%3F"),
        ("  https://a.example/\n", "https://a.example/"),
    ],
)
def test_address_holds_nothing_that_none_may_hold(link: str, expected: str) -> None:
    """Control characters, spaces and quotes are escaped; what is merely unusual stays."""
    assert urls.resolve("", link) == expected


def test_large_crowd_is_refused_before_it_is_read() -> None:
    """Ten megabytes of empty entries took minutes."""
    with pytest.raises(DocumentError, match="more than 10,000 entries"):
        list(FORMATS["xml-feed"].take(b"<rss version='2.0'><channel>" + b"<item/>" * 1_400_000))
