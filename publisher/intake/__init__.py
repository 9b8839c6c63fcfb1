"""Documents to articles: sources, one module for each format, clean, identity, the ingest step."""
