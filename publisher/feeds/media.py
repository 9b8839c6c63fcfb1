"""Pictures in feeds (Media RSS 1.5.1): `media:content` and `media:thumbnail`, outside any group. Pure."""

from __future__ import annotations

from lxml import etree

from publisher.feeds.entries import Entry
from publisher.feeds.generator import Element

NAMESPACE = "http://search.yahoo.com/mrss/"


def add_picture(element: Element, entry: Entry) -> None:
    """Adds the entry's image, with caption and credit, to its element."""
    if not entry.image:
        return
    content = etree.SubElement(element, f"{{{NAMESPACE}}}content", url=entry.image, medium="image")
    if entry.caption:
        etree.SubElement(content, f"{{{NAMESPACE}}}description", type="plain").text = entry.caption
    if entry.credit:
        etree.SubElement(content, f"{{{NAMESPACE}}}credit").text = entry.credit
    etree.SubElement(element, f"{{{NAMESPACE}}}thumbnail", url=entry.image)
