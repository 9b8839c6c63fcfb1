"""Subscriptions and articles to editions: when, what, how it looks, and the step that plans them."""
