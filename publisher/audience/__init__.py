"""People to subscribers: double opt-in, consent, unsubscription."""
