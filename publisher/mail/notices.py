"""Transactional mail: what each kind of notice says. Pure but for Jinja2.

The templates `mail/<kind>.html` and `mail/<kind>.txt` receive `newsletter`, `site_title`, `site_url`, `language`,
`direction`, `email` and `link`, which is empty where there is nothing to press.
"""

from __future__ import annotations

from publisher import tokens
from publisher.config import Settings
from publisher.crypto import Keys
from publisher.errors import MessageError
from publisher.mail.compose import Content
from publisher.mail.message import title
from publisher.outgoing import Claim
from publisher.templating import Templates
from publisher.text import direction, one_line
from publisher.urls import absolute

#: Subject by kind; `{0}` is the newsletter, `{1}` the site.
_SUBJECTS = {
    "confirm": "Please confirm your subscription to {0}",
    "export": "Your data at {1}",
    "erase": "Erase everything about me at {1}",
    "address": "Another address for {1}",
    "new_address": "Is this your new address for {1}?",
    "moved": "Your address for {1} was changed",
}
#: The purpose of the token, by kind, of links that name a person and the number of the link.
_LINKS = {
    "export": tokens.EXPORT, "erase": tokens.ERASE, "address": tokens.ADDRESS, "new_address": tokens.NEW_ADDRESS,
}


def render(templates: Templates, settings: Settings, keys: Keys, claim: Claim) -> Content:
    """What the notice of `claim` says. Raises MessageError for a kind without words, PublisherError from a template."""
    if claim.notice_kind not in _SUBJECTS:
        raise MessageError((f"there is no notice of the kind {claim.notice_kind!r}",))
    newsletter, site = one_line(title(settings, claim.newsletter)), one_line(settings.site.title)
    subject = _SUBJECTS[claim.notice_kind].format(newsletter, site)
    context: dict[str, object] = {
        "subject": subject,
        "newsletter": newsletter,
        "site_title": site,
        "site_url": absolute(settings.site.url, "/"),
        "language": settings.site.language,
        "direction": direction(settings.site.language),
        "email": claim.email,
        "link": _link(settings, keys, claim),
    }
    html, text = (templates.render(f"mail/{claim.notice_kind}.{part}", context) for part in ("html", "txt"))
    return Content(subject=subject, html=html, text=text)


def _link(settings: Settings, keys: Keys, claim: Claim) -> str:
    """The link that only the newest notice of its kind holds: its token is bound to a number that counts on."""
    kind = claim.notice_kind
    if kind == "confirm":
        token = tokens.make(keys, tokens.CONFIRM, claim.subscription_id, extra=str(claim.generation))
    elif kind in _LINKS:
        token = tokens.make(keys, _LINKS[kind], int(claim.params["person"]), extra=claim.params["number"])
    else:
        return ""
    return absolute(settings.site.url, f"/{kind.replace('_', '-')}/{token}")
