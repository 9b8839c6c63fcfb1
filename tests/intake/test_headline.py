"""Which line of a scraped text is its headline."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from publisher.intake import headline, line_model, plain, running
from publisher.intake.lines import blocks

UTC = ZoneInfo("UTC")
BODY = (
    "The ferry crossed the river again on Sunday, after a winter in which nobody had seen the other bank for fog.\n\n"
    "Its captain said that the engine had been repaired with a part of a sewing machine, and that it sang now.\n\n"
    "Passengers will pay in coins until the till has dried out, the ferry company said, and dogs travel for nothing.\n"
)


def title_of(head: str, body: str = BODY) -> str:
    page = plain.parse(f"{head}\n\n{body}", UTC)
    assert page is not None
    return page.title


@pytest.mark.parametrize(
    "above",
    [
        "The Elmouth Courier\n\n", "Home > News > River\n\n", "Home » Elmouth » Ferry\n\n", "PRESS RELEASE\n\n",
        "COMMUNIQUÉ DE PRESSE\n\n", "Skip to content\n\nSign in\n\nSearch\n\n", "Sign up for our newsletter\n\n",
    ],
)
def test_what_stands_above_a_headline_is_none(above: str) -> None:
    """The paper's name, a path, a press release's label, buttons and pleas."""
    want = "Ferry crosses the river again after the fog"
    assert title_of(f"{above}{want}\n\nBy Ann Other\n\n22 November 2026") == want


def test_words_of_the_page_do_not_bar_a_headline() -> None:
    """A headline may hold a word that buttons hold too, and end in three dots."""
    assert title_of("The ferry's search for passengers in the fog\n\nBy Ann Other") == "The ferry's search for passengers in the fog"
    assert title_of("And then the ferry crossed the river again...\n\nBy Ann Other").startswith("And then the ferry")


def test_a_text_without_a_headline_gets_its_first_sentence() -> None:
    """No line of the text is taken away for it."""
    page = plain.parse(BODY, UTC)
    assert page is not None
    assert page.title.startswith("The ferry crossed the river again on Sunday")
    assert len(page.body) == 3


def test_each_number_of_a_candidate_has_its_weight() -> None:
    """The packaged weights are as many as the numbers."""
    page = running.read(blocks(f"Ferry crosses the river again\n\nBy Ann Other\n\n{BODY}"))
    numbers = [found for _, found in headline.candidates(page)]
    assert numbers
    assert {len(found) for found in numbers} == {len(line_model.packaged().title)}
