"""The DNS record that lets receivers check our signatures, RFC 6376 section 3.6. Pure."""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes of one character-string of a TXT record, RFC 1035 section 3.3.
_STRING = 255


@dataclass(frozen=True, slots=True)
class Record:
    """A TXT record."""

    #: Without a dot at its end.
    name: str
    value: str

    @property
    def strings(self) -> list[str]:
        """The value in pieces of at most 255 characters, which receivers join without anything between."""
        return [self.value[at : at + _STRING] for at in range(0, len(self.value), _STRING)]

    @property
    def zone_line(self) -> str:
        """As a zone file has it."""
        return f"{self.name}. IN TXT ( " + " ".join(f'"{piece}"' for piece in self.strings) + " )"


def record(domain: str, selector: str, public_key: str) -> Record:
    """The record of a key; `public_key` in base64."""
    return Record(f"{selector}._domainkey.{domain}", f"v=DKIM1; k=rsa; p={public_key}")
