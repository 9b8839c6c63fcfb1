"""The way back: bounces, complaints and unsubscriptions by mail."""
