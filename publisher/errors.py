"""What can go wrong, in one small tree.

    PublisherError            one clear line for the person who runs the program
    ├── ConfigError           the configuration is wrong (exit status 2); lists every fault
    ├── StoreError            the store cannot be opened, or is of another version
    │   └── StoreBusyError    another publisher already works on this store
    ├── NotFoundError         the thing named on the command line does not exist
    ├── DocumentError         a document is no article; carries the remedy
    ├── PictureError          a picture is refused
    ├── FetchError            an address could not be fetched, or is refused
    ├── OutputError           a feed or page could not be written; the old one stays
    └── MessageError          a message breaks the rules of mail and is held
"""

from __future__ import annotations


class PublisherError(Exception):
    """Base of all errors whose text is meant for the person who runs the program."""


class ConfigError(PublisherError):
    """The configuration is wrong.

    `faults` holds one line for each fault, each starting with the key's full name.
    """

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class StoreError(PublisherError):
    """The store cannot be opened or used."""


class StoreBusyError(StoreError):
    """Another publisher already works on this store."""


class NotFoundError(PublisherError):
    """Nothing in the store answers to that name."""


class DocumentError(PublisherError):
    """A document cannot be taken as an article.

    `reason` says what is wrong with it, `remedy` what its owner can do.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class PictureError(PublisherError):
    """A picture cannot be taken; the text says why, as "it is too large: ..."."""


class FetchError(PublisherError):
    """An address could not be fetched.

    `refused`: it is one that is never asked, whatever the network does; trying again is of no use.
    """

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class OutputError(PublisherError):
    """A file could not be written; whatever stood in its place before still stands."""


class MessageError(PublisherError):
    """A message breaks the rules of mail; `faults` names each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults
