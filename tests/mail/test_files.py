"""Mail into files: the development inbox and the Maildir."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.errors import NotFoundError
from publisher.mail import inbox
from publisher.mail.inbox import InboxTransport
from publisher.mail.maildir import MaildirTransport
from publisher.mail.transport import UnreachedError


def message(number: int, hour: int = 12) -> bytes:
    return (
        f"From: N <n@n.org>\r\nTo: r{number}@m.org\r\nSubject: =?utf-8?q?Caf=C3=A9?= {number}\r\nMessage-ID: <{number}@n.org>\r\n"
        f"Date: Sun, 22 Nov 2026 {hour:02}:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHi\r\n'
        "--b\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--b--\r\n"
    ).encode()


async def test_inbox_lists_newest_first_and_keeps_one_of_a_repeat(tmp_path: Path) -> None:
    """A repeat takes the place of the first; the newest by date stand first; each can be opened."""
    folder = tmp_path / "deep" / "inbox"
    assert await inbox.list_messages(folder) == []
    assert inbox.count(folder) == 0
    session = await InboxTransport(folder).open()
    for number, hour in ((1, 9), (2, 11), (3, 10), (2, 11)):
        assert (await session.send("n@n.org", f"r{number}@m.org", message(number, hour))).code == 250
    found = await inbox.list_messages(folder)
    assert [entry.subject for entry in found] == ["Café 2", "Café 3", "Café 1"]
    assert inbox.count(folder) == 3
    assert await inbox.list_messages(folder, limit=1) == found[:1]
    opened = await inbox.read_message(folder, found[0].name)
    assert (opened.html.strip(), opened.text.strip()) == ("<p>Hi</p>", "Hi")
    assert opened.raw == message(2, 11)
    assert opened.entry.recipient == "r2@m.org"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["", "../secret", "/etc/passwd", "1.M" + "0" * 20 + ".eml", "x.eml", "1.M/..eml"])
async def test_inbox_opens_only_its_own(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
    (tmp_path / "secret").write_text("s")
    with pytest.raises(NotFoundError):
        await inbox.read_message(tmp_path, name)


async def test_inbox_survives_rubbish(tmp_path: Path) -> None:
    """Files that are no messages of ours are passed over, and a broken one does not hide the others."""
    session = await InboxTransport(tmp_path).open()
    await session.send("n@n.org", "r@m.org", message(1))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / f"9.M{'a' * 20}.eml").write_bytes(b"\xff\xfe rubbish \x00")
    found = await inbox.list_messages(tmp_path)
    assert [entry.subject for entry in found] == ["Café 1", ""]
    assert (await inbox.read_message(tmp_path, found[1].name)).html == ""


async def test_maildir(tmp_path: Path) -> None:
    """A message is whole in new/ and nothing is left in tmp/; a repeat takes the place of the first."""
    session = await MaildirTransport(tmp_path / "mail").open()
    for _ in range(2):
        assert (await session.send("n@n.org", "r1@m.org", message(1))).code == 250
    [file] = (tmp_path / "mail" / "new").iterdir()
    assert file.read_bytes() == b"Return-Path: <n@n.org>\r\nDelivered-To: r1@m.org\r\n" + message(1)
    assert list((tmp_path / "mail" / "tmp").iterdir()) == []
    assert (tmp_path / "mail" / "cur").is_dir()


async def test_no_folder_is_no_recipients_fault(tmp_path: Path) -> None:
    """A folder that cannot be made or written is told as such."""
    (tmp_path / "file").write_text("in the way")
    for transport in (MaildirTransport(tmp_path / "file"), InboxTransport(tmp_path / "file" / "inbox")):
        with pytest.raises(UnreachedError, match="cannot write to"):
            await transport.open()
