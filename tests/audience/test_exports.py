"""What rows of other systems' exports say."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.audience.exports import Entry, instant, read, recognise
from publisher.audience.ruling import Word
from publisher.audience.sheet import open_sheet, rows
from publisher.errors import PublisherError

DATA = Path(__file__).parent.parent / "data/people"


def entries(name: str) -> list[Entry | str]:
    """Each row of a sample as it is read, or why it is not."""
    sheet = open_sheet(DATA / name)
    found: list[Entry | str] = []
    for row in rows(sheet):
        try:
            found.append(read(recognise(sheet.columns), row.line, row.cells, name))
        except PublisherError as error:
            found.append(str(error))
    return found


def words(name: str) -> list[tuple[str, Word | None, str]]:
    """Address, word and reason of each row that is read."""
    return [(e.answers.email, e.told.word, e.told.reason) for e in entries(name) if isinstance(e, Entry)]


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("listmonk.csv", "listmonk"), ("ghost.csv", "ghost"), ("substack.csv", "substack"),
        ("email_list.courier.csv", "substack"), ("subscribed_email_audience_export_0a1b2c3d.csv", "mailchimp"),
        ("unsubscribed_email_audience_export_0a1b2c3d.csv", "mailchimp"),
        ("cleaned_email_audience_export_0a1b2c3d.csv", "mailchimp"),
    ],
)  # fmt: skip
def test_a_system_is_known_by_its_columns(name: str, system: str) -> None:
    """Our own table by none of them."""
    assert recognise(open_sheet(DATA / name).columns) == system
    assert recognise(("email", "name", "newsletter", "frequency", "status", "tags")) == "csv"
    assert recognise(("email", "type", "status")) == "csv"


def test_listmonk() -> None:
    """The blocklisted are kept out, the disabled passed over, an unknown status is a fault."""
    assert words("listmonk.csv") == [
        ("ada@example.org", Word.CONFIRMED, ""), ("Bo@Example.org", Word.CONFIRMED, ""), ("cy@example.org", None, ""),
        ("di@example.org", Word.BARRED, "operator"),
    ]
    first, *_, last = entries("listmonk.csv")
    assert isinstance(first, Entry)
    assert first.told.at == datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert last == "unknown status 'asleep'"


def test_ghost() -> None:
    """Who gets no newsletter left; a deleted member is passed over; labels are tags."""
    assert words("ghost.csv") == [
        ("ada@example.org", Word.CONFIRMED, ""), ("bo@example.org", Word.LEFT, ""), ("cy@example.org", Word.CONFIRMED, ""),
        ("di@example.org", None, ""),
    ]
    ada = entries("ghost.csv")[0]
    assert isinstance(ada, Entry)
    assert (ada.tags, ada.answers.name, ada.line) == (("VIP", "Founders"), "Ada Ash", 2)


def test_mailchimp() -> None:
    """Each of its files; names of two columns; where and when they agreed; a zone that is none is passed over."""
    name = "{}_email_audience_export_0a1b2c3d.csv"
    assert words(name.format("subscribed")) == [
        (f"{who}@example.org", Word.CONFIRMED, "") for who in ("ada", "bo", "cy")
    ]
    ada, bo, cy = entries(name.format("subscribed"))
    assert isinstance(ada, Entry)
    assert isinstance(bo, Entry)
    assert isinstance(cy, Entry)
    assert (ada.answers.name, ada.answers.timezone, ada.tags) == ("Ada Ash", "Europe/London", ("VIP", "Sea, and land"))
    assert (ada.told.at, ada.told.origin) == (datetime(2018, 10, 11, 9, 57, tzinfo=UTC), "192.0.2.8")
    assert bo.told.at == datetime(2015, 3, 16, 14, 40, 47, tzinfo=UTC)
    assert cy.answers.timezone == ""
    assert words(name.format("unsubscribed")) == [
        ("di@example.org", Word.LEFT, ""), ("ed@example.org", Word.BARRED, "complaint"),
    ]
    assert words(name.format("cleaned")) == [("fi@example.org", Word.BARRED, "bounce")]
    assert words(name.format("nonsubscribed")) == [("gu@example.org", None, "")]


def test_mailchimp_in_one_file_without_its_name() -> None:
    """The times tell; where they tell nothing, nothing is said of consent."""
    for cells, word in (
        ({"confirm time": "2015-03-16 14:40:47"}, Word.CONFIRMED), ({"optin time": "2015-03-16 14:40:47"}, Word.CONFIRMED),
        ({"confirm time": "2015-03-16 14:40:47", "unsub time": "2019-01-01"}, Word.LEFT),
        ({"confirm time": "2015-03-16 14:40:47", "clean time": "2019-01-01"}, Word.BARRED), ({}, Word.UNSAID),
        ({"status": "Cleaned"}, Word.BARRED), ({"status": "transactional"}, None),
    ):  # fmt: skip
        assert read("mailchimp", 2, {"email address": "a@x.org", **cells}, "export.csv").told.word == word


def test_substack() -> None:
    """Paid or not, all get the newsletter but those whose mail is off."""
    assert words("substack.csv") == [("ada@example.org", Word.CONFIRMED, ""), ("bo@example.org", Word.CONFIRMED, "")]
    assert words("email_list.courier.csv") == [
        ("ada@example.org", Word.CONFIRMED, ""), ("bo@example.org", Word.CONFIRMED, ""), ("cy@example.org", Word.LEFT, ""),
    ]


@pytest.mark.parametrize(
    ("status", "word", "reason"),
    [
        ("confirmed", Word.CONFIRMED, ""), ("Active", Word.CONFIRMED, ""), ("", Word.UNSAID, ""),
        ("pending", Word.UNSAID, ""), ("Unsubscribed", Word.LEFT, ""), ("bounced", Word.BARRED, "bounce"),
        ("cleaned", Word.BARRED, "bounce"), ("complained", Word.BARRED, "complaint"),
        ("blocklisted", Word.BARRED, "operator"), ("suppressed", Word.BARRED, "operator"),
    ],
)  # fmt: skip
def test_status_of_our_own_tables(status: str, word: Word, reason: str) -> None:
    """Only who is truly subscribed is confirmed."""
    told = read("csv", 2, {"email": "a@x.org", "status": status}).told
    assert (told.word, told.reason) == (word, reason)


def test_damaged_letters_of_an_address_are_a_fault() -> None:
    """Nobody knows what stood there."""
    with pytest.raises(PublisherError, match="cannot be read"):
        read("csv", 2, {"email": "zo\ufffd@example.org"})


@settings(max_examples=200, deadline=None)
@given(
    system=st.sampled_from(["csv", "listmonk", "ghost", "mailchimp", "substack"]),
    cells=st.dictionaries(
        st.sampled_from(["email", "name", "status", "tags", "labels", "unsub time", "clean time", "confirm time", "email disabled",
                         "subscribed to emails", "created at", "timezone", "paused until", "confirmed at", "sections"]),
        st.text(max_size=30),
    ),
)  # fmt: skip
def test_no_cells_break_it(system: str, cells: dict[str, str]) -> None:
    """Whatever they hold; a fault is one line."""
    told = ""
    try:
        read(system, 2, cells, "people.csv")
    except PublisherError as error:
        told = str(error)
    assert "\n" not in told


def test_instants() -> None:
    """In each system's form; what is none, or before there was mail, is none."""
    assert instant("2022-05-06T07:08:09.000Z") == datetime(2022, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert instant("2024-01-02 03:04:05.123456789 -0130 UTC") == datetime(2024, 1, 2, 4, 34, 5, 123456, tzinfo=UTC)
    assert instant("2019-01-01") == datetime(2019, 1, 1, tzinfo=UTC)
    for nothing in ("", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "01/02/2024"):
        assert instant(nothing) is None
