"""Transactional mail: what each kind of notice says. Pure but for Jinja2.

The templates `mail/<kind>.html` and `mail/<kind>.txt` receive `newsletter`, `site_title`, `site_url`, `language`,
`direction`, `email`, `link` and what the notice itself brings along.
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

#: Subject by kind; `{0}` is the newsletter.
_SUBJECTS = {"confirm": "Please confirm your subscription to {0}"}


def render(templates: Templates, settings: Settings, keys: Keys, claim: Claim) -> Content:
    """What the notice of `claim` says. Raises MessageError for a kind without words, PublisherError from a template."""
    subject = _SUBJECTS.get(claim.notice_kind)
    if subject is None:
        raise MessageError((f"there is no notice of the kind {claim.notice_kind!r}",))
    newsletter = one_line(title(settings, claim.newsletter))
    context: dict[str, object] = {
        **claim.params,
        "subject": subject.format(newsletter),
        "newsletter": newsletter,
        "site_title": one_line(settings.site.title),
        "site_url": absolute(settings.site.url, "/"),
        "language": settings.site.language,
        "direction": direction(settings.site.language),
        "email": claim.email,
        "link": _confirm_url(settings, keys, claim),
    }
    return Content(
        subject=subject.format(newsletter), html=templates.render(f"mail/{claim.notice_kind}.html", context),
        text=templates.render(f"mail/{claim.notice_kind}.txt", context),
    )


def _confirm_url(settings: Settings, keys: Keys, claim: Claim) -> str:
    """The link that only the newest confirmation holds: its token is bound to the generation."""
    token = tokens.make(keys, tokens.CONFIRM, claim.subscription_id, extra=str(claim.generation))
    return absolute(settings.site.url, f"/confirm/{token}")
