"""Deliveries to SMTP: message bytes, signature, lint, transports, and the step that delivers them."""
