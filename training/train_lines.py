"""Trains the model that tells the lines of an article from those of the page around it.

    python training/train_lines.py PAGES.jsonl.gz [--own FOLDER] [--out FILE] [--check]

PAGES has one JSON object a line: {"id", "lines": [...], "body": [1 or 0 for each line]}; dumps of the same page share
the id. FOLDER holds texts labelled line by line, NAME.txt beside NAME.json (those marked held out are left alone).
Written is `publisher/intake/data/lines.json`: thresholds, leaf values and the weights of a headline, no text.

--check trains on four fifths of the pages and measures on the fifth, five times, all dumps of a page in the same part,
with the whole of `publisher.intake.plain` around the model, prints a table and writes nothing. It takes some minutes.

pages | rows of each line (publisher.intake.features)
      | first forest; its opinions on pages that it has not seen
      | second forest on those (publisher.intake.line_model)
pages | lines that may be the headline (publisher.intake.headline) | weights that put the labelled one first

The same input gives the same file. Needs the extra `training` (lightgbm), which the program itself never imports.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import lightgbm
import numpy as np

from publisher.intake import features, forest, headline, line_model, plain, running
from publisher.intake.lines import blocks
from publisher.text import fold, folded_words, one_line

OUT = Path(__file__).parents[1] / "publisher/intake/data/lines.json"
FOLDS = 5
SETTINGS = {
    "objective": "binary",
    "num_leaves": 8,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
#: (trees, learning rate) of the two forests.
FIRST, SECOND = (120, 0.1), (90, 0.07)
#: Steps and ridge of the fit of the headline's weights.
TITLE_STEPS, TITLE_L2 = 150, 10.0
#: Roles that belong to the body.
OF_BODY = ("body", "subheading", "quotation", "list")


@dataclass(frozen=True)
class Page:
    """One dump of a page, or a cutting of it."""

    ident: str
    rows: Any
    body: np.ndarray
    #: How much each line counts.
    weights: np.ndarray


def main() -> None:
    """Reads the arguments, trains, and writes or measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--own", type=Path, help="folder of texts labelled line by line")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="cross-validate instead of writing")
    given = parser.parse_args()
    with gzip.open(given.pages, "rt", encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    own = list(own_texts(given.own)) if given.own else []
    if given.check:
        check(documents, own)
        return
    written = train([page for document in documents for page in pages(document)], own)
    written["title"] = title_weights(documents, model_of(written))
    given.out.write_text(json.dumps(written, separators=(",", ":")) + "\n", encoding="utf-8")


def pages(document: dict[str, Any]) -> Iterator[Page]:
    """The dump, and cuttings of it as scrapes of the article alone bring them."""
    clean = [one_line(line) for line in document["lines"]]
    kept = [(line, bool(body)) for line, body in zip(clean, document["body"], strict=True) if line]
    yield page(document["id"], kept, 1.0)
    places = [at for at, (_, body) in enumerate(kept) if body]
    if places and document.get("dump") == "column":
        dice = random.Random(document["id"])  # noqa: S311 - only to vary the cuttings
        for above, below in ((dice.randrange(5), dice.randrange(7)), (0, 0)):
            cutting = kept[max(0, places[0] - above) : places[-1] + 1 + below]
            yield page(document["id"], cutting, 0.15)


def own_texts(folder: Path) -> Iterator[Page]:
    """The texts labelled line by line that are not held out."""
    for path in sorted(folder.glob("*.json")):
        label = json.loads(path.read_text(encoding="utf-8"))
        if not label["held_out"]:
            pieces = [piece for entry in label["lines"] for piece in entry.get("roles", [entry])]
            yield page(path.stem, [(one_line(piece["text"]), piece["role"] in OF_BODY) for piece in pieces], 1.0)


def page(ident: str, lines: Sequence[tuple[str, bool]], weight: float) -> Page:
    """The rows of `lines`; a line weighs by its share of the page's words, so that each page counts alike."""
    texts = [line for line, _ in lines]
    body = np.array([int(is_body) for _, is_body in lines])
    words = np.array([len(re.findall(r"\w+", line)) for line in texts], dtype=float)
    share = np.minimum(words / max(1.0, float(words[body == 1].sum())), 0.3)
    rows = features.rows(texts, list(map(fold, texts)), list(map(folded_words, texts)))
    return Page(ident, rows, body, weight * (0.35 + 40 * share))


def train(of_pages: list[Page], own: list[Page]) -> dict[str, Any]:
    """Both forests, as they are written."""
    part = parts([page.ident for page in of_pages])
    blind: dict[int, list[float]] = {}
    for fold_number in range(FOLDS):
        seen = [page for page in of_pages if part[page.ident] != fold_number] + own
        first = forest.build(fit(seen, [page.rows for page in seen], *FIRST))
        for page_ in of_pages:
            if part[page_.ident] == fold_number:
                blind[id(page_)] = forest.shares(first, page_.rows).tolist()
        if fold_number == 0:  # own texts are few: seen opinions of them would mislead, so all forests but theirs speak
            without = forest.build(fit(of_pages, [page.rows for page in of_pages], *FIRST))
            blind |= {id(page_): forest.shares(without, page_.rows).tolist() for page_ in own}
    everything = of_pages + own
    contexts = [line_model.around(page.rows, blind[id(page)]) for page in everything]
    return {
        "first": fit(everything, [page.rows for page in everything], *FIRST),
        "second": fit(everything, contexts, *SECOND),
    }


def parts(idents: list[str]) -> dict[str, int]:
    """Which of the folds each page is in."""
    unique = sorted(set(idents))
    random.Random(7).shuffle(unique)  # noqa: S311 - any even division will do
    return {ident: at % FOLDS for at, ident in enumerate(unique)}


def fit(of_pages: list[Page], rows: list[Any], trees: int, rate: float) -> list[dict[str, Any]]:
    """A forest over the lines of `of_pages`, whose numbers are `rows`."""
    data = lightgbm.Dataset(
        np.concatenate([np.asarray(of_page) for of_page in rows]),
        np.concatenate([page.body for page in of_pages]),
        weight=np.concatenate([page.weights for page in of_pages]),
    )
    model = lightgbm.train({**SETTINGS, "learning_rate": rate}, data, trees)
    return [exported(tree["tree_structure"]) for tree in model.dump_model()["tree_info"]]


def exported(root: dict[str, Any]) -> dict[str, Any]:
    """A tree as `publisher.intake.forest.build` reads it."""
    tests: list[tuple[int, float, int]] = []
    values: list[float] = []

    def walk(node: dict[str, Any]) -> int:
        if "leaf_value" in node:
            values.append(round(node["leaf_value"], 4))
            return 1 << (len(values) - 1)
        left = walk(node["left_child"])
        tests.append((node["split_feature"], float(f"{node['threshold']:.5g}"), left))
        return left | walk(node["right_child"])

    walk(root)
    return {"tests": tests, "values": values + [0.0] * (8 - len(values))}


def model_of(written: dict[str, Any]) -> line_model.Model:
    """What is written, as the program reads it."""
    weights = tuple(written.get("title", ()))
    return line_model.Model(forest.build(written["first"]), forest.build(written["second"]), weights)


def title_weights(documents: list[dict[str, Any]], model: line_model.Model) -> list[float]:
    """What each number of a line counts for it to be the headline: a softmax over a page's lines and "none"."""
    choices = []
    for document in documents:
        page_ = running.read(blocks("\n\n".join(document["lines"])), model)
        found = headline.candidates(page_) if document.get("title") and page_.start < page_.end else []
        right = [fold(page_.lines[at]) == fold(document["title"]) for at, _ in found]
        if found:
            labels = np.array([*right, not any(right)], dtype=float)
            choices.append((np.array([numbers for _, numbers in found]), labels))
    weights, mean, square = (np.zeros(choices[0][0].shape[1]) for _ in range(3))
    for step in range(1, TITLE_STEPS + 1):
        slope = TITLE_L2 * weights / len(choices)
        for numbers, right_ in choices:
            odds = np.exp(np.append(numbers @ weights, 0.0) - max(0.0, (numbers @ weights).max()))
            share = odds / odds.sum()
            wanted = share * right_ / (share * right_).sum()
            slope += (share - wanted)[:-1] @ numbers / len(choices)
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        weights = weights - 0.1 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
    return [round(float(weight), 3) for weight in weights]


def check(documents: list[dict[str, Any]], own: list[Page]) -> None:
    """Prints the measure on pages that the model has not seen."""
    made = {id(document): list(pages(document)) for document in documents}
    part = parts([document["id"] for document in documents])
    found: dict[int, plain.Page | None] = {}
    for fold_number in range(FOLDS):
        seen = [document for document in documents if part[document["id"]] != fold_number]
        written = train([page for document in seen for page in made[id(document)]], own)
        written["title"] = title_weights(seen, model_of(written))
        model = model_of(written)
        for document in documents:
            if part[document["id"]] == fold_number:
                found[id(document)] = plain.parse("\n\n".join(document["lines"]), ZoneInfo("UTC"), model)
        print(f"part {fold_number + 1} of {FOLDS} measured", file=sys.stderr, flush=True)
    print("| dump | pages | word F1 | line F1 | must-not kept | title |\n|---|---|---|---|---|---|")
    for dump in sorted({document["dump"] for document in documents}):
        of_dump = [document for document in documents if document["dump"] == dump]
        of_halves = [of_dump, *([d for d in of_dump if zlib.crc32(d["id"].encode()) % 2 == half] for half in (0, 1))]
        for name, some in zip((dump, f"{dump}, one half", f"{dump}, the other"), of_halves, strict=True):
            figures = measure(some, [found[id(document)] for document in some])
            print(f"| {name} | {len(some)} | " + " | ".join(f"{figure:.4f}" for figure in figures) + " |")


def measure(documents: list[dict[str, Any]], found: list[plain.Page | None]) -> tuple[float, float, float, float]:
    """Mean word F1 of the bodies, line F1, the share of phrases kept that must not be, the share of titles found.

    A line is kept if the body has three fifths of its runs of three words, or, where it is shorter, the line itself.
    """
    scores, bad, titles = [], [], []
    right = kept = wanted = 0
    for document, page_ in zip(documents, found, strict=True):
        text = "\n".join(page_.body) if page_ else ""
        want = "\n".join(line for line, body in zip(document["lines"], document["body"], strict=True) if body)
        got_words, want_words = (Counter(words(part)) for part in (text, want))
        size = got_words.total() + want_words.total()
        scores.append(2 * (got_words & want_words).total() / size if size else 1.0)
        bad += [" ".join(words(phrase)) in " ".join(words(text)) for phrase in document.get("must_not") or []]
        of_lines = kept_lines(document["lines"], text)
        right += sum(bool(a and b) for a, b in zip(of_lines, document["body"], strict=True))
        kept, wanted = kept + sum(of_lines), wanted + sum(document["body"])
        if document.get("title"):
            titles.append(page_ is not None and words(page_.title) == words(document["title"]))
    lines = 2 * right / max(1, kept + wanted)
    return sum(scores) / len(scores), lines, sum(bad) / max(1, len(bad)), sum(titles) / max(1, len(titles))


def kept_lines(lines: list[str], text: str) -> list[bool]:
    """Which of `lines` stand in `text`."""
    whole = {tuple(words(line)) for line in text.split("\n")}
    there = set(threes(words(text)))
    found = []
    for line in lines:
        own = threes(words(line))
        found.append(sum(run in there for run in own) >= 0.6 * len(own) if own else tuple(words(line)) in whole - {()})
    return found


def words(text: str) -> list[str]:
    """The words of `text` in lower case."""
    return re.findall(r"\w+", text.lower())


def threes(listed: list[str]) -> list[tuple[str, ...]]:
    """The runs of three words."""
    return [tuple(listed[at : at + 3]) for at in range(len(listed) - 2)]


if __name__ == "__main__":
    main()
