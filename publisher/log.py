"""Structured logs (the only code that knows structlog): readable lines on a terminal, JSON elsewhere.

One line a decision, with its reason. At the default level no line holds a secret or a reader's address: log ids.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

#: What steps log to.
Logger = structlog.typing.FilteringBoundLogger


def configure(level: str = "info") -> None:
    """Sends all logs, other libraries' too, to stderr."""
    terminal = sys.stderr.isatty()
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if terminal else "iso", utc=not terminal),
    ]
    # Plain tracebacks: richer ones print the values of variables, and with them addresses and secrets.
    console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    rendering: list[Any] = (
        [console] if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(sort_keys=True)]
    )
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        # Looked up at each line: while a progress bar stands, stderr is what puts lines above it.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering])
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns at each tick that waits for a long one
    for library in ("trafilatura", "htmldate"):  # they warn of every odd page; the intake gives its reasons itself
        logging.getLogger(library).setLevel(logging.CRITICAL)


def get(name: str) -> Logger:
    """The logger of a feature; `name` appears as `in`."""
    logger: Logger = structlog.get_logger(**{"in": name})
    return logger


def chatty(logger: Logger) -> bool:
    """Whether lines of the debug level are written."""
    return logger.is_enabled_for(logging.DEBUG)
