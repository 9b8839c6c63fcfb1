"""A mailbox that is asked for new mail by IMAP (RFC 3501, RFC 8314): unseen messages are read, and marked as seen once
they are taken in.

The standard library's client, which waits for the network: all of this runs in a thread of its own.
"""

from __future__ import annotations

import imaplib
import ssl
from pathlib import Path

from publisher.errors import PublisherError
from publisher.inbound_settings import Imap
from publisher.incoming import Letter

#: Seconds that the server may take for an answer.
_PATIENCE = 60.0
#: Bytes of a message that are read.
_LARGEST = 50_000_000

Client = imaplib.IMAP4


def connect(imap: Imap, ca_file: Path | None) -> Client:
    """A connection with the mailbox chosen. Raises PublisherError that says what is wrong with it."""
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        if imap.security == "tls":
            client: Client = imaplib.IMAP4_SSL(imap.host, imap.port, ssl_context=context, timeout=_PATIENCE)
        else:
            client = imaplib.IMAP4(imap.host, imap.port, timeout=_PATIENCE)
        try:
            _choose(client, imap, context)
        except BaseException:
            client.shutdown()
            raise
    except (OSError, imaplib.IMAP4.error) as error:
        raise PublisherError(f"cannot read mail at {imap.host}:{imap.port} (inbound.imap): {error}") from error
    return client


def _choose(client: Client, imap: Imap, context: ssl.SSLContext) -> None:
    if imap.security == "starttls":
        client.starttls(ssl_context=context)
    client.login(imap.username, imap.password.get_secret_value())
    status, said = client.select('"' + imap.mailbox.replace("\\", "\\\\").replace('"', '\\"') + '"')
    if status != "OK":
        raise PublisherError(f"the mailbox {imap.mailbox!r} (inbound.imap) cannot be opened: {_words(said)}")


def unseen(client: Client, limit: int, but: frozenset[bytes] = frozenset()) -> list[tuple[bytes, Letter]]:
    """Up to `limit` messages that nobody has seen, by their UIDs, `but` not these. Reading them does not mark them."""
    try:
        status, said = client.uid("SEARCH", "UNSEEN")
        if status != "OK":
            raise PublisherError(f"the mailbox (inbound.imap) cannot be searched: {_words(said)}")
        found = []
        for uid in [uid for uid in (said[0] or b"").split() if uid not in but][:limit]:
            _, answer = client.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{_LARGEST}>)")
            content = next((piece[1] for piece in answer if isinstance(piece, tuple)), None)
            if content is not None:
                found.append((uid, Letter(content, "imap")))
    except (OSError, imaplib.IMAP4.error) as error:
        raise PublisherError(f"the mailbox (inbound.imap) broke off: {error}") from error
    return found


def seen(client: Client, uids: list[bytes]) -> None:
    """Marks these messages as seen."""
    if not uids:
        return
    try:
        client.uid("STORE", b",".join(uids).decode(), "+FLAGS.SILENT", "(\\Seen)")
    except (OSError, imaplib.IMAP4.error) as error:
        raise PublisherError(f"the mailbox (inbound.imap) broke off: {error}") from error


def close(client: Client) -> None:
    """Logs out; whatever the server says to that."""
    try:
        client.logout()
    except (OSError, imaplib.IMAP4.error):
        client.shutdown()


def _words(said: list[bytes | None]) -> str:
    return b" ".join(piece for piece in said if isinstance(piece, bytes)).decode("utf-8", "replace")[:200]
