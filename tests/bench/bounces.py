"""`make bounces`: the classifier on samples that it was not made from: those in the source distribution of flufl.bounce.

    fetch (from the package index) | expected addresses, from its own tests | ours and flufl alone, side by side

Two figures count: dead addresses wrongly kept, and living ones wrongly stopped. Its tests do not tell which address is
dead; that was read in the samples' own words, and stands in DEAD below. No rule of ours knows any of these names.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from publisher.inbound.report import report_of
from publisher.inbound.scan import failed_addresses
from publisher.incoming import Letter, ReportClass, ReportKind

VERSION = "6.0.0"
#: Samples whose own words say that nobody is at the address, or that it is closed for good. The others that tell of a
#: failure tell of a full mailbox, of a refusal, of a route or a delay, or give no reason.
DEAD = ["bounce_02", "dsn_10", "dsn_11", "dsn_12", "dsn_13", "dsn_14", "dsn_15", "dsn_16", "dsn_18", "exim_01", "groupwise_01", "groupwise_02", "microsoft_01", "microsoft_02", "microsoft_04", "postfix_01", "qmail_03", "qmail_04", "qmail_05", "simple_04", "simple_05", "simple_06", "simple_08", "simple_11", "simple_12", "simple_13", "simple_15", "simple_19", "simple_23", "simple_25", "simple_26", "simple_27", "simple_29", "simple_30", "simple_33", "simple_34", "simple_36", "simple_37", "simple_39", "simple_41", "simple_43", "smtp32_04", "smtp32_06", "smtp32_07", "yahoo_03", "yahoo_05", "yahoo_06", "yahoo_07", "yahoo_08", "yahoo_09", "yahoo_10", "yahoo_11", "yahoo_13", "yale_01"]


def main() -> None:
    """Prints the figures; `--verbose`: each sample that is judged otherwise than it was read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbose", action="store_true")
    verbose = parser.parse_args().verbose
    with tempfile.TemporaryDirectory() as folder:
        _measure(_fetched(Path(folder)), verbose=verbose)


def _fetched(folder: Path) -> Path:
    """The tests of the source distribution."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:",
         "--dest", str(folder), f"flufl.bounce=={VERSION}"],
        check=True,
    )
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return next(folder.glob("flufl*/tests"))


def _expected(tests: Path) -> dict[str, set[str]]:
    """The addresses that its own tests expect of each sample, in lower case."""
    found: dict[str, set[str]] = {}
    for path in tests.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Tuple, ast.FunctionDef)):
                literals = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                names = [each for each in literals if isinstance(each, str) and each.endswith(".txt") and len(each) < 40]
                if len(names) == 1:
                    addresses = {each.decode().lower() for each in literals if isinstance(each, bytes) and b"@" in each}
                    found.setdefault(names[0].removesuffix(".txt"), set()).update(addresses)
    return found


def _measure(tests: Path, *, verbose: bool) -> None:
    expected = _expected(tests)
    samples = {path.stem: path.read_bytes() for path in sorted(tests.glob("data/*.txt"))}
    told = {name: addresses for name, addresses in expected.items() if addresses and name in samples}
    judged = {name: report_of(Letter(content, "maildir")).finding for name, content in samples.items()}
    stops = {
        "ours": {n for n, f in judged.items() if f.report_class is ReportClass.HARD and f.kind is not ReportKind.DELAY},
        "flufl alone": set(_flufl_stops(samples)),
    }
    names = {
        "ours": {n for n in told if judged[n].address.lower() in told[n]},
        "flufl alone": {n for n in told if {a.lower() for a in failed_addresses(samples[n])} & told[n]},
    }
    dead = {name for name in DEAD if name in samples}
    living = set(samples) - dead
    print(f"{len(samples)} samples, {len(told)} with a known recipient, {len(dead)} about a dead address")
    print(f"{'':<13}{'recipients found':>18}{'dead wrongly kept':>19}{'living wrongly stopped':>24}")
    for who, stopping in stops.items():
        kept, stopped = dead - stopping, living & stopping
        print(f"{who:<13}{f'{len(names[who])} of {len(told)}':>18}{f'{len(kept)} of {len(dead)}':>19}{f'{len(stopped)} of {len(living)}':>24}")
        if verbose:
            print("   not found:", *sorted(set(told) - names[who]), "\n   kept:", *sorted(kept), "\n   stopped:", *sorted(stopped))


def _flufl_stops(samples: dict[str, bytes]) -> Iterator[str]:
    """Those of which it says that an address failed for good."""
    from email import message_from_bytes  # noqa: PLC0415 - the peer's own way in

    from flufl.bounce import all_failures  # noqa: PLC0415

    for name, content in samples.items():
        _, final = all_failures(message_from_bytes(content))
        if final:
            yield name


if __name__ == "__main__":
    main()
