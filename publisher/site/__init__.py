"""Articles to HTML pages."""
