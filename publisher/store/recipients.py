"""Who may still get a message, as conditions of a statement: the one rule for claims, and for what is put away.

A digest goes to an active subscription that is not paused, and whose address nothing speaks against. A notice goes by
the rule of its kind (`publisher.outgoing.NOTICES`), and may have a recipient of its own.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, String, and_, func, literal_column, or_

from publisher.model import LEFT, SubscriptionState
from publisher.outgoing import NOTICES, DeliveryState
from publisher.store.mail_schema import deliveries, notices, subscribers, subscriptions, suppressions


def email(kind: str) -> ColumnElement[str]:
    """The address that it goes to."""
    return _own("recipient", subscribers.c.email) if kind == "notice" else subscribers.c.email


def email_key(kind: str) -> ColumnElement[str]:
    """Its normal form."""
    return _own("recipient_key", subscribers.c.email_key) if kind == "notice" else subscribers.c.email_key


def wanted(kind: str) -> ColumnElement[bool]:
    """Whether the subscription is in a state for it.

    A pause spares what is in doubt: it was sent before, and its repetition ends the doubt.
    """
    if kind != "notice":
        quiet = and_(subscriptions.c.paused_until.is_not(None), deliveries.c.state != _word(DeliveryState.IN_DOUBT))
        return and_(subscriptions.c.state == _word(SubscriptionState.ACTIVE), ~quiet)
    each = (
        and_(notices.c.kind == _word(name), or_(*(subscriptions.c.state == _word(state) for state in rule.states)))
        for name, rule in NOTICES.items()
    )
    return or_(*each)


def barred(kind: str) -> ColumnElement[bool]:
    """Whether a suppression of its address speaks against it (I11)."""
    if kind != "notice":
        return suppressions.c.reason != _word("")
    asked_for = or_(*(notices.c.kind == _word(name) for name, rule in NOTICES.items() if rule.asked_for))
    return ~and_(asked_for, or_(*(suppressions.c.reason == _word(reason) for reason in LEFT)))


def _own(column: str, otherwise: ColumnElement[str]) -> ColumnElement[str]:
    return func.coalesce(func.nullif(notices.c[column], _word("")), otherwise)


def _word(value: str) -> ColumnElement[str]:
    """A word of ours, written out: a prepared statement has the parameters that its callers know, and no more."""
    return literal_column(f"'{value}'", String)
