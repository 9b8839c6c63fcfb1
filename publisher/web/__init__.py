"""The HTTP face: feeds and pages, subscribing and leaving, the development inbox."""
