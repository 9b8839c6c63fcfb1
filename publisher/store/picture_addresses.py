"""Pictures of other sites that were copied: which of ours each address is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from publisher.store.engine import Tx
from publisher.store.schema import picture_addresses, pictures
from publisher.store.upsert import upsert

#: Bound parameters of one statement stay far below SQLite's limit.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Copied:
    """A picture of ours, without its bytes."""

    name: str
    #: Pixels.
    width: int
    height: int


async def put(tx: Tx, address: str, name: str) -> None:
    """The picture at this address was copied, as the one of this name, which is in the store."""
    await upsert(tx, picture_addresses, ("address",), {"address": address, "picture": name})


async def find(tx: Tx, addresses: Iterable[str]) -> dict[str, Copied]:
    """Those of these addresses whose pictures were copied."""
    wanted = list(dict.fromkeys(addresses))
    both = select(picture_addresses.c.address, pictures.c.name, pictures.c.width, pictures.c.height).join(
        pictures, pictures.c.name == picture_addresses.c.picture
    )
    found: dict[str, Copied] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = await tx.execute(both.where(picture_addresses.c.address.in_(wanted[start : start + _CHUNK])))
        found |= {row.address: Copied(row.name, row.width, row.height) for row in rows}
    return found
