"""Publisher turns articles into syndication feeds and email digests, and runs as one background service."""
