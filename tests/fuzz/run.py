"""Fuzzes the formats that come in: `python -m tests.fuzz.run --seconds 60 [FORMAT ...]`, or `--replay FILE FORMAT`.

    seeds + what earlier runs found | mutate, led by coverage (atheris) or blindly | check -> findings/FORMAT-*

With atheris (extra "fuzz") the mutations are led by what code they reach; without it they are blind, and it says so.
A document that seems too slow or too large is judged again in a process of its own, where nothing is instrumented.
Ends with 1 where something broke; the document lies in `--folder`, and a test beside the fault's feature is to come.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Bytes of a document at most: large enough for structure, small enough for many.
LONGEST = 16_000


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    given = _arguments(arguments)
    if given.child:
        return _fuzz(given.formats[0], given.seconds, given.seed, given.folder, led=_is_led(given))
    if given.replay:
        return _replay(given.formats[0], given.replay)
    from tests.fuzz.formats import FORMATS  # noqa: PLC0415 - the child loads it under instrumentation

    names = given.formats or list(FORMATS)
    print("led by coverage" if _is_led(given) else "without atheris: the mutations are blind", flush=True)
    return max(_child(name, given.seconds / len(names), given) for name in names)


def _is_led(given: argparse.Namespace) -> bool:
    return not given.blind and find_spec("atheris") is not None


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*")
    parser.add_argument("--seconds", type=float, default=60.0, help="in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "fuzz")
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--blind", action="store_true", help="not led by coverage: slow parsers get more documents so")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _child(name: str, seconds: float, given: argparse.Namespace) -> int:
    """One format in a process of its own: libFuzzer ends its process."""
    command = [sys.executable, "-m", "tests.fuzz.run", name, "--child", "--seconds", str(seconds)]
    command += ["--seed", str(given.seed), "--folder", str(given.folder), *(["--blind"] if given.blind else [])]
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, errors="replace")
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("INFO: ", "WARNING: ", "#"))]
    told = [line for line in lines if line.startswith(("Done", "fuzzed"))]
    print(f"{name}: {told[-1] if told else 'ended'} in {time.monotonic() - start:.0f} s", flush=True)
    if done.returncode:
        print("\n".join(line[:500] for line in lines[-40:]), flush=True)
    return int(done.returncode != 0)


def _replay(name: str, path: Path) -> int:
    from tests.fuzz.formats import check  # noqa: PLC0415 - the child loads it under instrumentation

    print("an article" if check(name, path.read_bytes()) else "refused")
    return 0


# --- in the child ----------------------------------------------------------------------------------------------------


def _fuzz(name: str, seconds: float, seed: int, folder: Path, *, led: bool) -> int:
    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    if not led:
        _blindly(name, seconds, seed, folder)
        return 0
    import atheris  # noqa: PLC0415 - an extra

    with atheris.instrument_imports(include=["publisher", "feedparser", "markdown_it"]):
        from tests.fuzz import formats  # noqa: PLC0415 - its imports are what is instrumented
    import publisher.intake.html_page  # noqa: PLC0415, F401

    found = formats.FORMATS[name]
    for number, data in enumerate(found.seeds):
        (corpus / f"seed-{number:03}").write_bytes(data[:LONGEST])
    words = folder / f"{name}.dict"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in found.words or (b"x",)), encoding="ascii")
    limits = [f"-max_total_time={max(int(seconds), 1)}", f"-max_len={LONGEST}", "-timeout=300", "-report_slow_units=300", "-rss_limit_mb=4000"]
    atheris.Setup(
        ["fuzz", *limits, f"-seed={seed}", f"-dict={words}", f"-artifact_prefix={folder}/{name}-", "-verbosity=1",
         "-print_final_stats=0", str(corpus)],
        _judged(name, formats.check, folder),
    )
    atheris.Fuzz()
    return 0


def _judged(name: str, check: Callable[[str, bytes], bool], folder: Path) -> Callable[[bytes], None]:
    """`check`, whose bounds hold for a process without instruments."""

    def judged(data: bytes) -> None:
        try:
            check(name, data)
        except AssertionError as error:
            if "it took" not in str(error):
                raise
            suspect = folder / f"{name}-suspect-{os.getpid()}"
            suspect.write_bytes(data)
            command = [sys.executable, "-m", "tests.fuzz.run", name, "--replay", str(suspect)]
            if subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode:
                raise
            suspect.unlink()

    return judged


def _blindly(name: str, seconds: float, seed: int, folder: Path) -> None:
    from tests.fuzz.formats import FORMATS, check  # noqa: PLC0415 - as above

    dice = random.Random(seed)
    found = FORMATS[name]
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        data = mutated(dice, dice.choice(found.seeds), found.words)
        count += 1
        try:
            check(name, data)
        except BaseException:
            (folder / f"{name}-crash-{count}").write_bytes(data)
            raise
    print(f"fuzzed blindly {count} times", file=sys.stderr)


def mutated(dice: random.Random, data: bytes, words: Sequence[bytes]) -> bytes:
    """`data` with some bytes cut out, doubled, turned or replaced by words."""
    whole = bytearray(data[:LONGEST])
    for _ in range(dice.randint(1, 6)):
        at = dice.randint(0, len(whole))
        to = min(len(whole), at + dice.choice((0, 1, 2, 8, 40, 300)))
        kind = dice.randrange(4)
        if kind == 0:
            whole[at:to] = b""
        elif kind == 1:
            whole[at:at] = whole[at:to] * dice.randint(1, 20)
        elif kind == 2 and words:
            whole[at:to] = dice.choice(words) * dice.choice((1, 1, 1, 3, 30))
        else:
            whole[at:to] = dice.randbytes(to - at)
    return bytes(whole[:LONGEST])


def _quoted(word: bytes) -> str:
    return "".join(chr(c) if c < 128 and chr(c).isalnum() else f"\\x{c:02x}" for c in word)


if __name__ == "__main__":
    sys.exit(main())
