"""Bytes to text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import DocumentError
from publisher.intake.decode import decode

GERMAN = "Die Brücke über den Fluß öffnet früh – „endlich“, sagte der Bürgermeister.\n"
ARABIC = "افتتح سكان الحي مكتبة صغيرة في الحديقة العامة.\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (GERMAN.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + GERMAN.encode(), "utf-8"),
        (GERMAN.encode("utf-16"), "utf-16-le"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("utf-16-le"), "utf-16-le"),
        (GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("utf-32"), "utf-32-le"),
        (GERMAN.encode("cp1252"), "windows-1252"),
    ],
)
def test_encodings_are_told_apart(data: bytes, encoding: str) -> None:
    """With or without a mark, the text comes out right, and how it was read is said."""
    found = decode(data)
    assert found.text == GERMAN
    assert found.encoding == encoding


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_seen_in_other_scripts_too(encoding: str) -> None:
    """Spaces and line ends give UTF-16 away where no letter is Latin."""
    assert decode((ARABIC * 3).encode(encoding)).text == ARABIC * 3


def test_a_page_says_how_it_is_written() -> None:
    """A charset in a meta element or an XML declaration is believed where the bytes are no UTF-8."""
    page = '<html><meta charset="iso-8859-2"><p>Zażółć gęślą jaźń</p></html>'
    assert decode(page.encode("iso-8859-2")).text == page
    xml = '<?xml version="1.0" encoding="windows-1251"?><p>Мост открыт</p>'
    assert decode(xml.encode("cp1251")).text == xml


def test_a_wrong_declaration_does_no_harm() -> None:
    """UTF-8 that calls itself something else is UTF-8; a charset that makes no text is passed over."""
    page = '<meta charset="iso-8859-1"><p>Brücke</p>'
    assert decode(page.encode()).text == page
    assert "Br" in decode(b'<meta charset="hex"><p>Br\xfccke und Stra\xdfe in der alten Stadt</p>').text


def test_a_few_broken_bytes_do_not_cost_the_rest() -> None:
    """Damaged UTF-8 stays UTF-8 with the damage marked, and says so."""
    found = decode(GERMAN.encode() * 10 + b"\xc3 end\n")
    assert found.encoding == "utf-8 damaged"
    assert found.text.startswith(GERMAN)


@pytest.mark.parametrize(
    "data",
    [bytes(range(256)) * 8, b"\x00" * 50, b"MZ\x90\x00\x03\x00\x00\x00\x04", b"\x01\x02\x03\x04\x05text", b"\x7fELF\x02\x01\x01" + b"\x00" * 9],
)
def test_binary_data_is_refused(data: bytes) -> None:
    """What is no text is refused with a plain reason."""
    with pytest.raises(DocumentError, match="binary data"):
        decode(data)


@pytest.mark.parametrize(("data", "kind"), [(b"%PDF-1.7 ...", "PDF"), (b"PK\x03\x04abc", "office"), (b"{\\rtf1 x}", "RTF")])
def test_known_files_are_called_by_their_name(data: bytes, kind: str) -> None:
    """A document of another program says what it is."""
    with pytest.raises(DocumentError, match=kind):
        decode(data)


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    """Printable text in UTF-8 is never taken for anything else."""
    if not text.startswith(("%PDF-", "PK", "{\\rtf", "GIF8", "\ufeff")):
        assert decode(text.encode()).text == text


def test_a_short_page_with_stray_control_characters_is_text() -> None:
    """A handful of controls in valid UTF-8 are dirt to be cleaned off, not a sign of binary data."""
    page = "<title>Rain</title><h1>Rain</h1><p>Rain\x01 fell\x02 on\x03 the\x04 town\x05 all day and nobody minded much.</p>"
    assert decode(page.encode()).encoding == "utf-8"


CZECH = "Městská rada rozhodla o otevření nového mostu přes řeku. Žluťoučký kůň úpěl ďábelské ódy celý den a lidé se smáli.\n"
POLISH = "Rada miasta zdecydowała o otwarciu nowego mostu przez rzekę. Żółta łódź, gęś i źdźbło trawy świętowały w niedzielę.\n"
TURKISH = "Belediye meclisi uzun tartışmalardan sonra ırmak üzerindeki yeni köprünün açılmasına karar verdi, diye konuştu.\n"
HUNGARIAN = "A városi tanács hosszú vita után úgy döntött, hogy májusban megnyitja az új hidat a folyó fölött. Árvíztűrő tükörfúrógép.\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CZECH, "cp1250"), (CZECH, "iso8859-2"), (POLISH, "cp1250"), (POLISH, "iso8859-2"), (HUNGARIAN, "cp1250"),
        (TURKISH, "cp1254"),
    ],
)
def test_language_tells_the_encoding(text: str, encoding: str) -> None:
    """Bytes that mean other letters in other countries are read as the text's language writes them."""
    assert decode(text.encode(encoding)).text == text


def test_words_pasted_in_another_encoding_are_read() -> None:
    """UTF-8 in which an editor pasted windows-1252, as it happens at news desks: both are whole."""
    data = "The council said “yes” to the café.\n".encode() + "Later they changed “it” at the café – so what.\n".encode("cp1252")
    found = decode(data)
    assert found.text == "The council said “yes” to the café.\nLater they changed “it” at the café – so what.\n"
    assert found.encoding == "utf-8 damaged"
