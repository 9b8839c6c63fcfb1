"""Tables of people, in every form in which spreadsheets and other systems leave them."""

from __future__ import annotations

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.audience.sheet import Row, Sheet, open_sheet, rows
from publisher.errors import PublisherError

TABLE = 'Email,Name\nada@example.org,"Ash, Ada"\n\nbo@example.org,Zoë\n'
FOUND = [
    Row(2, {"email": "ada@example.org", "name": "Ash, Ada"}), Row(4, {"email": "bo@example.org", "name": "Zoë"}),
]


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "people.csv"
    path.write_bytes(data)
    return path


def _read(folder: Path, data: bytes) -> tuple[Sheet, list[Row]]:
    sheet = open_sheet(_file(folder, data))
    return sheet, list(rows(sheet))


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"),
     ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252")],
)  # fmt: skip
def test_every_encoding_that_spreadsheets_write_is_read(tmp_path: Path, encoding: str, told: str) -> None:
    """With a byte order mark and without; the name of it is told."""
    sheet, found = _read(tmp_path, TABLE.encode(encoding))
    assert sheet.encoding == told
    assert found == FOUND


def test_some_damage_does_not_change_the_encoding(tmp_path: Path) -> None:
    """One bad byte in a file in UTF-8 is one bad letter; a last letter in windows-1252 is that."""
    sheet, found = _read(tmp_path, "email,name\na@x.org,Zoë Öz\nb@x.org,Ñandú ü\n".encode() + b"c@x.org,Zo\xeb\n")
    assert sheet.encoding == "utf-8"
    assert [row.cells["name"] for row in found] == ["Zoë Öz", "Ñandú ü", "Zo\ufffd"]
    sheet, found = _read(tmp_path, b"email,name\na@x.org,Zo\xeb")
    assert (sheet.encoding, found[0].cells["name"]) == ("cp1252", "Zoë")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_separator_and_line_end_is_read(tmp_path: Path, delimiter: str, end: str) -> None:
    """Also after the line by which a spreadsheet tells the separator."""
    text = f'Email{delimiter}Name{end}a@x.org{delimiter}"A{delimiter}B"{end}'
    for head in ("", f"sep={delimiter}{end}", end):
        sheet, found = _read(tmp_path, f"{head}{text}".encode())
        assert sheet.delimiter == delimiter
        assert [row.cells for row in found] == [{"email": "a@x.org", "name": f"A{delimiter}B"}]


def test_a_line_is_told_by_the_number_that_an_editor_shows(tmp_path: Path) -> None:
    """Line breaks in quotes and empty lines are counted; missing and surplus cells are passed over."""
    data = b'email,name,language\na@x.org,"A\nB"\n\nb@x.org,,,,too much\n , ,\nc@x.org\n'
    _, found = _read(tmp_path, data)
    assert [(row.line, row.cells) for row in found] == [
        (2, {"email": "a@x.org", "name": "A\nB"}),
        (5, {"email": "b@x.org", "name": "", "language": ""}),
        (7, {"email": "c@x.org"}),
    ]


def test_a_column_that_is_there_twice_counts_where_it_says_something(tmp_path: Path) -> None:
    """Names of columns are compared without capitals, underscores and spaces around."""
    _, found = _read(tmp_path, b" EMAIL_Address ,Name,name\na@x.org,,Ada\n")
    assert found[0].cells == {"email address": "a@x.org", "name": "Ada"}


def test_a_field_without_end_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    """A quotation mark left open must not swallow the file without a word."""
    data = b'email,name\na@x.org,"open\n' + b"b@x.org,B\n" * 10_000 + b"z@x.org,Z\n"
    _, found = _read(tmp_path, data)
    assert "a field is too long (line 2 to " in found[0].fault
    assert "quotation mark" in found[0].fault
    assert found[-1].cells["email"] == "z@x.org"


def test_a_row_of_too_many_fields_is_told(tmp_path: Path) -> None:
    """And no cell of it is taken."""
    _, found = _read(tmp_path, b"email,name\na@x.org" + b",x" * 600 + b"\nb@x.org,B\n")
    assert [bool(row.fault) for row in found] == [True, False]
    assert found[0].cells == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"), (b"\n \n,,\n", "is empty"), (b"name,phone\nAda,1\n", "Found: name, phone"),
        (b"PK\x03\x04rest", "unpack it, or save it as CSV"), (b"\x1f\x8brest", "a gzip file"),
        (b"%PDF-1.7", "a PDF"), (bytes(range(256)) * 4, "binary data"), (b"\x00" * 200, "binary data"),
        (b"ada@example.org\nbo@example.org\n", "no column of addresses"),
        (b"email," + b"x" * 200_000, "a first line that is too long"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_people_is_refused_in_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    """With the file, and what to do."""
    with pytest.raises(PublisherError) as caught:
        open_sheet(_file(tmp_path, data))
    assert words in str(caught.value)
    assert str(tmp_path / "people.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """Not there, or a folder."""
    with pytest.raises(PublisherError, match=r"nothing\.csv: No such file"):
        open_sheet(tmp_path / "nothing.csv")
    with pytest.raises(PublisherError, match="is no file"):
        open_sheet(tmp_path)


def test_a_bare_list_of_addresses_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    """Its first line counts."""
    sheet = open_sheet(_file(tmp_path, b"ada@example.org\nbo@example.org\n"), bare=True)
    assert [(row.line, row.cells["email"]) for row in rows(sheet)] == [(1, "ada@example.org"), (2, "bo@example.org")]


_CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(st.tuples(_CELLS, _CELLS), max_size=8), delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_was_written_is_read(
    tmp_path: Path, table: list[tuple[str, str]], delimiter: str, encoding: str, quoting: int
) -> None:
    """Every cell, but for spaces around it and rows in which there is nothing."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]  # one of the two above
    writer.writerows([("email", "name"), *table])
    _, found = _read(tmp_path, text.getvalue().encode(encoding))
    wanted = [[cell.strip() for cell in cells] for cells in table if any(cell.strip() for cell in cells)]
    assert [[row.cells.get("email", ""), row.cells.get("name", "")] for row in found] == wanted


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda tail: b"email;name\n" + tail)))
def test_no_bytes_break_the_reader(tmp_path: Path, data: bytes) -> None:
    """They are read, or refused in one clear line."""
    told, found = "", []
    try:
        found = list(rows(open_sheet(_file(tmp_path, data))))
    except PublisherError as error:
        told = str(error)
    assert "\n" not in told
    assert all(row.line > 0 for row in found)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Ten megabytes are read in less than two."""
    path = tmp_path / "people.csv"
    path.write_bytes(b"email,name\n" + b"ada@example.org,Ada Ash of the harbour\n" * 250_000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in rows(open_sheet(path))) == 250_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
