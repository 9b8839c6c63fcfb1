"""What ships: the wheel, the unit, the pages of documentation."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pydantic import BaseModel

from publisher import inbound_settings
from publisher import mail_settings as tables
from publisher.config import Settings
from publisher.settings import Podcast, SectionFeed

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_templates_and_configuration(tmp_path: Path) -> None:
    """An installed copy runs without the clone."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    for folder in ("templates", "config"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file():
                assert f"publisher/data/{file.relative_to(ROOT).as_posix()}" in names
    assert "publisher/store/migrations/versions/0001_first.py" in names


def test_an_installed_copy_runs_without_the_clone(tmp_path: Path) -> None:
    """From the wheel alone, in an empty folder, a document becomes a page."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)], cwd=ROOT, check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    work = tmp_path / "work"
    work.mkdir()
    (work / "rain.txt").write_text("Rain over the valley\n\nIt rained all day, and nobody minded very much at all.\n")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from publisher.cli.main import main; main()"
    for words in (["ingest", "rain.txt"], ["build"]):
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"import site; site.addsitedir({str(_site_packages())!r}); {code}",
             str(tmp_path / "installed"), *words],
            cwd=work, capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
    assert list((work / "var/public/articles").glob("*.html"))


def test_the_systemd_unit_is_sound() -> None:
    """`systemd-analyze verify` has nothing to say about it."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs Debian's systemd")
    done = subprocess.run(
        [program, "verify", "config/publisher.service"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_key_is_documented() -> None:
    """docs/configuration.md has a row for each key, and none for a key that is no more."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    found = {
        (section, key)
        for section, body in re.findall(r"## `\[+([\w.]+)\]+`\n(.*?)(?=\n## |\Z)", page, re.DOTALL)
        for key in re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE)
    }
    expected = {
        (section, key)
        for section, field in Settings.model_fields.items() if section != "root"
        for key in _table(field.annotation).model_fields
    }
    inner: dict[str, type[BaseModel]] = {
        "mail.dkim": tables.Dkim, "mail.relay": tables.Server, "mail.warm_up": tables.WarmUp,
        "inbound.imap": inbound_settings.Imap, "inbound.rule": inbound_settings.OwnRule,
        "feeds.section.SLUG": SectionFeed, "feeds.section.SLUG.podcast": Podcast,
    }
    assert found == expected | {
        (section, field.alias or key) for section, table in inner.items() for key, field in table.model_fields.items()
    }


def test_the_commands_of_the_readme_exist() -> None:
    """Each command in the README's table answers to --help."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", readme, re.MULTILINE)
    program = Path(sys.executable).with_name("publisher")
    groups = {
        "articles", "documents", "import", "subscribers", "suppressions", "digest", "outbox", "bounces", "keys", "dkim",
    }
    asked = set()
    for row in rows:
        group: list[str] = []
        for words in (re.sub(r"\[.*?\]", "", part).split() for part in re.findall(r"`([^`]+)`", row)):
            lower = [word for word in words if word.islower() and word.isalpha()]
            if lower and not group and lower[0] in groups:  # only the first words of a row name one
                group = lower[:1]
                asked.add(tuple(lower[:2]))
            elif lower:
                asked.add((*group, lower[0]))
    assert len(asked) > 12
    shown: dict[tuple[str, ...], str] = {}
    for *group, command in sorted(asked):
        place = tuple(group)
        if place not in shown:
            shown[place] = subprocess.run([program, *group, "--help"], capture_output=True, text=True, check=True).stdout
        assert re.search(rf"^\W*{command}\b", shown[place], re.MULTILINE), (place, command)


def _table(annotation: object) -> type[BaseModel]:
    options = [annotation, *getattr(annotation, "__args__", ())]
    return next(item for item in options if isinstance(item, type) and issubclass(item, BaseModel))


def _site_packages() -> Path:
    return Path(pytest.__file__).parents[1]
