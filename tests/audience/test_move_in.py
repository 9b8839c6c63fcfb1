"""Importing readers, on a real store of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from publisher import fingerprints, tokens
from publisher.audience import keep_out, move_in, optin
from publisher.audience.erase import erase
from publisher.audience.move_in import Options
from publisher.audience.report import MOST_TOLD, Report, Result
from publisher.audience.ruling import Word
from publisher.audience.sheet import open_sheet
from publisher.audience.wanted import Answers, check
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import PublisherError
from publisher.mail_settings import Mail
from publisher.model import Frequency, Reader, SubscriptionState
from publisher.settings import Newsletter
from publisher.store import asking, audience, readers, suppressions
from publisher.store.engine import Store, open_store
from tests import ledger
from tests.store.conftest import Scene

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
KEYS = Keys((b"k" * 32,))
S = SubscriptionState
HEAD = "email,name,newsletter,frequency,weekday,sections,timezone,time,language,status"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    letters = (Newsletter(name="daily", frequencies=(Frequency.DAILY, Frequency.WEEKLY)), Newsletter(name="sea"))
    return Settings(root=tmp_path, newsletter=letters, mail=Mail(sender="Courier <digest@courier.example>"))


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that knows its keys."""
    url = "sqlite:///publisher.db" if request.param == "sqlite" else request.getfixturevalue("postgres_store_url")
    store = await open_store(url, root=tmp_path, fingerprints=partial(fingerprints.of, KEYS))
    yield store
    await store.close()


async def bring(
    store: Store, settings: Settings, *rows: str, head: str = "email,status", now: datetime = NOW, name: str = "people.csv",
    **options: Any,
) -> Report:
    """Imports a table of these rows."""
    path = settings.root / name
    path.write_text("\n".join((head, *rows)) + "\n")
    return await move_in.move_in(store, settings, open_sheet(path), Options(**options), now=lambda: now)


async def all_readers(store: Store) -> list[Reader]:
    async with store.read() as tx:
        return await audience.list_readers(tx)


async def states(store: Store) -> dict[str, SubscriptionState]:
    return {row.subscriber.email: row.subscription.state for row in await all_readers(store)}


async def consents(store: Store, email: str = "jo@example.org") -> list[dict[str, Any]]:
    async with store.read() as tx:
        (reader,) = await audience.readers_by_email(tx, email)
        return await audience.list_consents(tx, reader.subscription.id)


async def listed(store: Store) -> dict[str, str]:
    async with store.read() as tx:
        return {one.email_key: one.reason for one in await suppressions.page(tx)}


def told(report: Report) -> list[tuple[int, Result]]:
    return [(row.line, row.result) for row in report.told]


def counts(report: Report) -> dict[str, int]:
    assert report.counts.total() == report.read
    return {result.value: number for result, number in report.counts.items() if number}


async def test_a_row_says_all_that_a_form_does(kept: Store, settings: Settings) -> None:
    """Columns in any order; what a row leaves out is the newsletter's and the site's."""
    await Scene(kept).live(3)
    report = await bring(
        kept, settings, 'confirmed,weekly,"Ash, Ada",ada@Example.ORG,fri,sea,"World News, Sport",06:30,Asia/Tokyo,ja',
        ",,,bo@example.org,,,,,,", head="status,frequency,name,email,weekday,newsletter,sections,time,timezone,language",
    )  # fmt: skip
    assert counts(report) == {"invalid": 1, "added": 1}  # this newsletter comes daily only
    report = await bring(
        kept, settings, 'confirmed,weekly,"Ash, Ada",ada@Example.ORG,fri,,"World News, Sport",06:30,Asia/Tokyo,ja',
        head="status,frequency,name,email,weekday,newsletter,sections,time,timezone,language",
    )
    assert counts(report) == {"added": 1}
    bo, ada = await all_readers(kept)
    found = ada.subscription
    assert (ada.subscriber.email, ada.subscriber.name, ada.subscriber.timezone, ada.subscriber.language) == (
        "ada@Example.ORG", "Ash, Ada", "Asia/Tokyo", "ja",
    )
    assert (found.newsletter, found.frequency, found.weekday, f"{found.local_time:%H:%M}", found.sections) == (
        "daily", Frequency.WEEKLY, 4, "06:30", ("world-news", "sport"),
    )
    assert (found.state, found.confirmed_at, found.from_seq, found.welcome_after, found.next_due_at) == (
        S.ACTIVE, NOW, 3, None, None,
    )
    assert (bo.subscription.state, bo.subscription.newsletter, bo.subscriber.timezone) == (S.PENDING, "daily", "UTC")


async def test_the_operators_word_is_on_record(kept: Store, settings: Settings) -> None:
    """With the file, and when and from where the reader agreed, as far as the table tells."""
    await bring(kept, settings, "jo@example.org,confirmed")
    (one,) = await consents(kept)
    assert (one["action"], one["at"], one["origin"]) == ("imported", NOW, "people.csv")
    await bring(
        kept, settings, "al@example.org,2020-01-02T03:04:05Z,192.0.2.7,confirmed",
        head="email,confirmed_at,confirmed_from,status",
    )
    (one,) = await consents(kept, "al@example.org")
    assert (one["at"], one["origin"]) == (datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "people.csv, 192.0.2.7")
    assert "2026-03-01" in one["wording"]


async def test_what_says_nothing_of_consent_waits_for_a_word(kept: Store, settings: Settings) -> None:
    """No mail; then one mail to each that is asked for; then the operator may vouch."""
    rows = ("jo@example.org,", "al@example.org,pending")
    report = await bring(kept, settings, *rows)
    assert (counts(report), report.pending, report.asked) == ({"added": 2}, 2, 0)
    assert await ledger.claim(kept, NOW + DAY, 10) == []
    report = await bring(kept, settings, *rows, unsaid=Word.ASK)
    assert (counts(report), report.asked) == ({"updated": 2}, 2)
    again = await bring(kept, settings, *rows, unsaid=Word.ASK, now=NOW + DAY)
    assert (counts(again), again.asked, again.pending) == ({"unchanged": 2}, 0, 2)
    claims = await ledger.claim(kept, NOW + DAY, 10)
    assert {(claim.notice_kind, claim.email, claim.generation) for claim in claims} == {
        ("confirm", "jo@example.org", 1), ("confirm", "al@example.org", 1),
    }
    reader = (await all_readers(kept))[0]
    token = tokens.make(KEYS, tokens.CONFIRM, reader.subscription.id, "1")
    state, _ = await optin.confirm(kept, settings, KEYS, token, now=NOW + DAY, origin="test", wording="Yes.")
    assert state == optin.LinkState.GOOD
    report = await bring(kept, settings, *rows, unsaid=Word.CONFIRMED, now=NOW + DAY)
    assert counts(report) == {"unchanged": 1, "updated": 1}
    assert set((await states(kept)).values()) == {S.ACTIVE}


async def test_asking_at_once_makes_one_mail_each(kept: Store, settings: Settings) -> None:
    """Its link works, and it is asked again only when that has expired."""
    report = await bring(kept, settings, "jo@example.org,", unsaid=Word.ASK)
    assert (counts(report), report.asked, report.pending) == ({"added": 1}, 1, 1)
    (claim,) = await ledger.claim(kept, NOW, 10)
    assert claim.message_id.endswith("@courier.example>")
    async with kept.read() as tx:
        assert await asking.count_asked(tx, NOW - DAY) == 0  # a form goes on to work
    again = await bring(kept, settings, "jo@example.org,", unsaid=Word.ASK, now=NOW + 8 * DAY)
    assert again.asked == 1
    assert [one["action"] for one in await consents(kept)] == ["asked", "asked"]


async def test_I11_who_left_stays_away(kept: Store, settings: Settings) -> None:
    """Whatever the table says, and however often; a record of having left elsewhere counts as much."""
    await optin.add(kept, settings, "jo@example.org", confirmed=True, now=NOW)
    (jo,) = await all_readers(kept)
    await optin.leave(kept, KEYS, tokens.make(KEYS, tokens.UNSUBSCRIBE, jo.subscription.id), now=NOW, origin="test")
    await bring(kept, settings, "al@example.org,unsubscribed")
    rows = ("jo@example.org,confirmed", "al@example.org,confirmed")
    for word in (Word.CONFIRMED, Word.ASK):
        report = await bring(kept, settings, *rows, unsaid=word, update=True, now=NOW + DAY)
        assert counts(report) == {"left": 2}
        report = await bring(kept, settings, "jo@example.org,", "al@example.org,", unsaid=word, now=NOW + DAY)
        assert (counts(report), report.asked) == ({"left": 2}, 0)
    assert set((await states(kept)).values()) == {S.UNSUBSCRIBED}
    assert await ledger.claim(kept, NOW + DAY, 10) == []
    joined, _ = await optin.add(kept, settings, "al@example.org", confirmed=True, now=NOW + DAY)
    assert joined == optin.Joined.ASKED
    assert [one["action"] for one in await consents(kept, "al@example.org")] == ["left", "asked"]


async def test_I11_nobody_suppressed_comes_in(kept: Store, settings: Settings) -> None:
    """Neither by address nor by the mark of somebody who was erased; nothing of them is stored."""
    await keep_out.keep_out(kept, ["jo@example.org"], "complaint", "", NOW)
    await optin.add(kept, settings, "al@example.org", confirmed=True, now=NOW)
    assert await erase(kept, "al@example.org", NOW)
    report = await bring(kept, settings, "JO@example.org,confirmed", "Al@example.org,confirmed", "bo@example.org,confirmed")
    assert told(report) == [(2, Result.SUPPRESSED), (3, Result.LEFT)]
    assert await states(kept) == {"bo@example.org": S.ACTIVE}


async def test_addresses_that_failed_elsewhere_are_kept_out(kept: Store, settings: Settings) -> None:
    """With their reason, whatever else is wrong in the row; a reader who is here gets nothing from then on."""
    await optin.add(kept, settings, "jo@example.org", confirmed=True, now=NOW)
    report = await bring(
        kept, settings, "jo@example.org,complained,", "al@example.org,cleaned,Mars/Base", "bo@example.org,blocklisted,",
        "al@example.org,confirmed,", head="email,status,timezone",
    )
    assert told(report) == [*((n, Result.SUPPRESSED) for n in (2, 3, 4)), (5, Result.DUPLICATE)]
    assert await listed(kept) == {"jo@example.org": "complaint", "al@example.org": "bounce", "bo@example.org": "operator"}
    assert await states(kept) == {"jo@example.org": S.ACTIVE}
    await bring(
        kept, settings, 'cy@example.org,bounced,mars,"a,b"', 'di@example.org,unsubscribed,sea,"' + "x" * 70 + '"',
        head="email,status,newsletter,tags",
    )
    assert (await listed(kept))["cy@example.org"] == "bounce"
    assert (await states(kept))["di@example.org"] == S.UNSUBSCRIBED
    again = await bring(kept, settings, "jo@example.org,bounced", "al@example.org,confirmed")
    assert counts(again) == {"suppressed": 2}
    assert (await listed(kept))["jo@example.org"] == "complaint"


async def test_who_unsubscribed_elsewhere_is_ended_here_unless_they_confirmed_here(
    kept: Store, settings: Settings
) -> None:
    """What came by the operator's word goes by it; a reader's own is newer than an old file, which may come twice."""
    await bring(kept, settings, "jo@example.org,confirmed", "al@example.org,")
    wanted = check(Answers("bo@example.org"), settings.newsletter, settings.site)
    await optin.ask(kept, settings, wanted, now=NOW, origin="test", wording="Yes.")
    bo = (await all_readers(kept))[-1]
    token = tokens.make(KEYS, tokens.CONFIRM, bo.subscription.id, str(bo.subscription.generation))
    await optin.confirm(kept, settings, KEYS, token, now=NOW, origin="test", wording="Yes.")
    rows = [f"{who}@example.org,unsubscribed" for who in ("jo", "al", "bo", "cy")]
    report = await bring(kept, settings, *rows)
    assert counts(report) == {"left": 3, "unchanged": 1}
    assert "they stay" in next(row.reason for row in report.told if row.line == 4)
    assert await states(kept) == {
        "jo@example.org": S.UNSUBSCRIBED, "al@example.org": S.UNSUBSCRIBED, "bo@example.org": S.ACTIVE,
        "cy@example.org": S.UNSUBSCRIBED,
    }
    assert counts(await bring(kept, settings, *rows)) == {"unchanged": 4}
    assert [one["action"] for one in await consents(kept)] == ["imported", "left"]


async def test_duplicates_are_one(kept: Store, settings: Settings) -> None:
    """However they are written; another newsletter is another subscription; who left in a later row left."""
    report = await bring(
        kept, settings, "jo@example.org,Jo,daily,confirmed", "JO@EXAMPLE.ORG,Joe,,confirmed", "jo@example.org,Jo,sea,confirmed",
        "al@xn--bcher-kva.example,,,confirmed", "AL@Bücher.example,,,confirmed", "bo@example.org,,,confirmed",
        "Bo@example.org,,,unsubscribed", "bo@example.org,,,confirmed", head="email,name,newsletter,status",
    )  # fmt: skip
    assert counts(report) == {"added": 4, "duplicate": 3, "left": 1}
    assert told(report) == [
        (3, Result.DUPLICATE), (6, Result.DUPLICATE), (8, Result.LEFT), (9, Result.DUPLICATE),
    ]
    assert "line 2" in report.told[0].reason
    found = await all_readers(kept)
    assert [(row.subscriber.email, row.subscriber.name, row.subscription.newsletter) for row in found][:2] == [
        ("jo@example.org", "Jo", "daily"), ("jo@example.org", "Jo", "sea"),
    ]
    assert (await states(kept))["bo@example.org"] == S.UNSUBSCRIBED


async def test_what_readers_chose_is_kept_unless_the_operator_says_otherwise(kept: Store, settings: Settings) -> None:
    """With `update` what a row says replaces it, and what it leaves out stays; a new zone is reckoned with anew."""
    head = "email,name,frequency,weekday,sections,timezone,time,tags,status"
    await bring(kept, settings, "jo@example.org,Jo,weekly,fri,sport,Europe/Paris,06:00,vip,confirmed", head=head)
    (before,) = await all_readers(kept)
    async with kept.write() as tx:
        await ledger.set_due(tx, before.subscription.id, NOW + DAY)
    (before,) = await all_readers(kept)
    other = "JO@example.org,Joe,daily,,,,07:30,,confirmed"
    assert counts(await bring(kept, settings, other, head=head)) == {"unchanged": 1}
    assert await all_readers(kept) == [before]
    assert counts(await bring(kept, settings, other, head=head, update=True)) == {"updated": 1}
    (after,) = await all_readers(kept)
    found = after.subscription
    assert (after.subscriber.name, after.subscriber.timezone, after.subscriber.tags) == ("Joe", "Europe/Paris", ("vip",))
    assert (found.frequency, found.weekday, f"{found.local_time:%H:%M}", found.sections, found.next_due_at) == (
        Frequency.DAILY, 4, "07:30", ("sport",), None,
    )
    async with kept.write() as tx:
        await ledger.set_due(tx, found.id, NOW + DAY)
    assert counts(await bring(kept, settings, other, head=head, update=True)) == {"unchanged": 1}
    moved = "jo@example.org,,,,,Asia/Tokyo,,,confirmed"
    assert counts(await bring(kept, settings, moved, head=head, update=True)) == {"updated": 1}
    (after,) = await all_readers(kept)
    assert (after.subscriber.timezone, after.subscription.next_due_at) == ("Asia/Tokyo", None)
    assert len(await consents(kept)) == 1


async def test_a_dry_run_tells_the_same_and_stores_nothing(kept: Store, settings: Settings) -> None:
    """Counts and rows are those of the run that follows."""
    await optin.add(kept, settings, "al@example.org", confirmed=True, now=NOW)
    rows = ("jo@example.org,confirmed", "al@example.org,unsubscribed", "bo@example.org,bounced", "cy@example.org,banana",
            "JO@example.org,", "di@example.org,", "ed,confirmed", "di@example.org,unsubscribed")  # fmt: skip
    before = await states(kept)
    dry = await bring(kept, settings, *rows, unsaid=Word.ASK, dry_run=True)
    assert (await states(kept), await listed(kept)) == (before, {})
    real = await bring(kept, settings, *rows, unsaid=Word.ASK)
    assert (dry.counts, dry.told, dry.pending, dry.asked) == (real.counts, real.told, real.pending, real.asked)
    assert counts(real) == {"added": 2, "left": 2, "suppressed": 1, "invalid": 2, "duplicate": 1}


async def test_faults_are_told_by_line_and_the_others_come_in(kept: Store, settings: Settings) -> None:
    """Of more than anyone reads only the number is told."""
    bad = [f"no address {n},confirmed" for n in range(MOST_TOLD + 5)]
    report = await bring(kept, settings, *bad, "jo@example.org,confirmed", "al@example.org\x1b[31m,confirmed")
    assert (len(report.told), report.untold) == (MOST_TOLD, 6)
    assert counts(report) == {"invalid": MOST_TOLD + 6, "added": 1}
    report = await bring(
        kept, settings, "a@x.org,never,,,", "b@x.org,,25:00,,", "c@x.org,,,mars,", "d@x.org,,,,\x1b]0;x", "e@x.org,,,," + "x" * 101,
        head="email,frequency,time,newsletter,name",
    )  # fmt: skip
    assert [row.line for row in report.told] == [2, 3, 4, 6]
    assert all("\x1b" not in row.reason + row.email for row in report.told)


async def test_a_newsletter_that_is_not_there_is_refused_before_anything(kept: Store, settings: Settings) -> None:
    """As is an import where none is configured."""
    with pytest.raises(PublisherError, match="no newsletter 'mars'"):
        await bring(kept, settings, "jo@example.org,confirmed", newsletter="mars")
    with pytest.raises(PublisherError, match="no newsletter is configured"):
        await bring(kept, settings.model_copy(update={"newsletter": ()}), "jo@example.org,confirmed")
    assert await states(kept) == {}


async def test_the_suppression_list_moves_too(kept: Store, settings: Settings) -> None:
    """With reasons, notes and times; a bare list; another system's export; marks of the erased; twice changes nothing."""

    async def keep(text: str, reason: str = "operator") -> Report:
        path = settings.root / "out.csv"
        path.write_text(text)
        return await keep_out.bring_in(kept, open_sheet(path, bare=True), reason=reason, now=NOW)

    await optin.add(kept, settings, "ed@example.org", confirmed=True, now=NOW)
    await erase(kept, "ed@example.org", NOW)
    (mark,) = await listed(kept)
    text = (
        "email,reason,note,at\nJo@example.org,complaint,by letter,2020-01-01T00:00:00Z\nno address,bounce,,\n"
        f"{mark},erased,,\nal@example.org,,,\nbo@example.org,unsubscribed,,\ncy@example.org,hate,,\nBO@example.org,,,\n"
    )
    report = await keep(text)
    assert counts(report) == {"added": 3, "unchanged": 1, "invalid": 2, "duplicate": 1}
    async with kept.read() as tx:
        jo = next(one for one in await suppressions.page(tx) if one.email_key == "jo@example.org")
    assert (jo.reason, jo.note, jo.at) == ("complaint", "by letter", datetime(2020, 1, 1, tzinfo=UTC))
    assert counts(await keep(text)) == {"unchanged": 4, "invalid": 2, "duplicate": 1}
    assert counts(await keep("bo@example.org\ndi@example.org\n", "bounce")) == {"updated": 1, "added": 1}
    assert (await listed(kept))["bo@example.org"] == "bounce"
    assert counts(await keep("email,status\nfi@example.org,confirmed\ngu@example.org,cleaned\n")) == {
        "skipped": 1, "added": 1,
    }
    assert counts(await keep("email\ned@example.org\n", "complaint")) == {"updated": 1}
    assert (await listed(kept))[mark] == "complaint"
    assert "ed@example.org" not in await listed(kept)


async def test_who_left_by_the_list_is_unsubscribed_and_may_come_back(kept: Store, settings: Settings) -> None:
    """From all newsletters, once and on record; a bounce ends no subscription, and the form asks who left anew."""
    for newsletter in ("daily", "sea"):
        await optin.add(kept, settings, "jo@example.org", newsletter=newsletter, confirmed=True, now=NOW)
    await optin.add(kept, settings, "al@example.org", newsletter="daily", confirmed=True, now=NOW)
    await keep_out.keep_out(kept, ["al@example.org"], "bounce", "", NOW)
    path = settings.root / "left.csv"
    path.write_text("email,reason,at\njo@example.org,unsubscribed,2020-01-01T00:00:00Z\n")
    for _ in range(2):
        await keep_out.bring_in(kept, open_sheet(path), reason="operator", now=NOW + DAY)
        await keep_out.keep_out(kept, ["jo@example.org"], "unsubscribed", "", NOW + DAY)
    async with kept.read() as tx:
        readers = await audience.readers_by_email(tx, "jo@example.org")
        (al,) = await audience.readers_by_email(tx, "al@example.org")
        for reader in readers:
            told = await audience.list_consents(tx, reader.subscription.id)
            left = [(one["at"], one["origin"]) for one in told if one["action"] == "left"]
            assert left == [(NOW + DAY, "suppression list")]
    assert [reader.subscription.state for reader in readers] == [S.UNSUBSCRIBED] * 2
    assert al.subscription.state == S.ACTIVE
    wanted = check(Answers("jo@example.org", newsletter="daily"), settings.newsletter, settings.site)
    asked = await optin.ask(kept, settings, wanted, now=NOW + 2 * DAY, origin="web form", wording="Yes.")
    assert asked == optin.Joined.ASKED


async def test_a_release_is_on_record_and_subscribes_nobody(kept: Store, settings: Settings) -> None:
    """Who did it, when and why; what stood there; erasing the person takes the words away."""
    await bring(kept, settings, "jo@example.org,confirmed", "al@example.org,unsubscribed")
    await keep_out.keep_out(kept, ["jo@example.org", "al@example.org"], "bounce", "mailbox full", NOW)
    async with kept.write() as tx:
        for who in ("jo", "al"):
            assert await suppressions.release(tx, f"{who}@example.org", by="me", note="moved house", now=NOW + DAY)
        assert await suppressions.release(tx, "jo@example.org", by="me", note="again", now=NOW + DAY) is None
    assert await states(kept) == {"jo@example.org": S.ACTIVE, "al@example.org": S.UNSUBSCRIBED}
    async with kept.read() as tx:
        (one,) = await suppressions.history(tx, "jo@example.org")
    assert one == {
        "reason": "bounce", "note": "mailbox full", "suppressed_at": NOW, "released_at": NOW + DAY, "released_by": "me",
        "release_note": "moved house",
    }
    assert counts(await bring(kept, settings, "al@example.org,confirmed")) == {"left": 1}
    await erase(kept, "jo@example.org", NOW + DAY)
    async with kept.read() as tx:
        (one,) = await suppressions.history(tx, "jo@example.org")
    assert (one["reason"], one["note"], one["release_note"]) == ("bounce", "", "")


async def test_a_mark_is_never_released(kept: Store, settings: Settings) -> None:
    """What else stood against the address is; only its owner brings it back."""
    await keep_out.keep_out(kept, ["jo@example.org"], "bounce", "", NOW)
    await erase(kept, "jo@example.org", NOW)
    for reason in ("bounce", "erased"):
        async with kept.write() as tx:
            found = await suppressions.release(tx, "jo@example.org", by="me", note="works again", now=NOW)
        assert found is not None
        assert found.reason == reason
    assert set((await listed(kept)).values()) == {"erased"}
    assert counts(await bring(kept, settings, "jo@example.org,confirmed")) == {"left": 1}
    async with kept.read() as tx:
        assert len(await suppressions.history(tx, "jo@example.org")) == 1


async def test_readers_are_found_and_chosen(kept: Store, settings: Settings) -> None:
    """By a part of address, name or tag, whatever the capitals; by state, newsletter and tag."""
    await bring(
        kept, settings, "jo@example.org,Ödön Ash,daily,VIP,confirmed", 'al@sea.example,Al 100%_x,sea,"vip,Crew",confirmed',
        "bo@example.org,Bo,daily,Élite,", head="email,name,newsletter,tags,status",
    )  # fmt: skip

    async def found(text: str) -> set[str]:
        async with kept.read() as tx:
            return {r.subscriber.email[:2] for r in await audience.list_readers(tx, 0, 9, readers.matching(tx, text))}

    async def chosen(**which: Any) -> set[str]:
        async with kept.read() as tx:
            return {r.subscriber.email[:2] for r in await audience.list_readers(tx, 0, 9, *readers.chosen(tx, **which))}

    assert [await found(text) for text in ("EXAMPLE.ORG", "ödön", "ÖDÖN", "vip", "élite", "%_", "crew", "nobody", "100")] == [
        {"jo", "bo"}, {"jo"}, {"jo"}, {"jo", "al"}, {"bo"}, {"al"}, {"al"}, set(), {"al"},
    ]
    assert await chosen(tag="vip") == {"jo", "al"}
    assert await chosen(tag="vip", newsletter="sea") == {"al"}
    assert await chosen(tag="Élite") == {"bo"}
    assert await chosen(tag="vi") == set()
    assert await chosen(state=S.PENDING) == {"bo"}


async def test_other_writers_hardly_wait_for_an_import(kept: Store, settings: Settings) -> None:
    """Somebody who unsubscribes beside it gets their turn between its pages."""
    await optin.add(kept, settings, "jo@example.org", confirmed=True, now=NOW)
    (jo,) = await all_readers(kept)
    token = tokens.make(KEYS, tokens.UNSUBSCRIBE, jo.subscription.id)
    pages = 0

    def count(done: int, total: int) -> None:
        nonlocal pages
        assert 0 < done <= total
        pages += 1

    path = settings.root / "many.csv"
    path.write_text("email,status\n" + "".join(f"r{n}@example.org,confirmed\n" for n in range(6000)))
    work = asyncio.create_task(
        move_in.move_in(kept, settings, open_sheet(path), Options(), now=lambda: NOW, progress=count)
    )
    while not pages:
        await asyncio.sleep(0)
    await optin.leave(kept, KEYS, token, now=NOW, origin="test")
    seen = pages
    await work
    assert seen < pages
    assert len(await states(kept)) == 1000  # the first page of the listing
