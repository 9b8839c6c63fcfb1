"""Rows of a table, as another program reads them."""

from __future__ import annotations

import pytest

from publisher.cli import show


def test_a_row_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A file name with line breaks, tabs or terminal codes neither breaks its row nor reaches a terminal as a code."""
    show.table(("document", "title"), [("new\nline\t\x1b[31m.txt", "Title\u2028of it"), (None, 7)])
    assert capsys.readouterr().out == "new line  [31m.txt\tTitle of it\n\t7\n"
