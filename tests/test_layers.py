"""The architecture, stated once: which module stands on which layer, and where each library is at home.

    cli | service | web | steps | pure modules and edges (the store is one) | shared pieces | model, errors

An arrow may only point to the right, or to a module of the same kind; features (intake, feeds, site, audience, digest,
mail, inbound) never point at each other. A module that is missing in the table below fails the test: list it there.

The checks are functions from {module: source} to faults, so that each is shown to fail on a case made up for it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "publisher"
Sources = Mapping[str, str]

#: Layers, the lowest first. "shared" and "shared pure", "edge" and "pure" stand side by side.
RANKS = {
    "vocabulary": 0, "shared pure": 1, "shared": 1, "pure": 2, "edge": 2, "step": 3, "web": 4, "service": 5, "cli": 6,
}
PURE = ("vocabulary", "shared pure", "pure")
FEATURES = ("intake", "feeds", "websub", "site", "audience", "digest", "mail", "inbound")

#: THE TABLE. Layer -> its modules, without "publisher."; a name that ends in ".*" stands for a whole package.
TABLE = {
    "vocabulary": "model outgoing incoming errors source_state change_kind hub_state",
    "shared pure": "text urls old_addresses slots address isolation delivery_state settings mail_settings inbound_settings setting_types return_path",
    "shared": "tokens crypto fingerprints templating log progress packaged config output metrics http hosts loop",
    "pure": """
        intake.export_entry intake.ghost intake.ghost_text intake.wordpress intake.wordpress_text intake.wxr
        intake.change intake.difference intake.header intake.shortcodes intake.sketch
        intake.feed_entry intake.feed_json intake.feed_parse intake.feed_schedule intake.push_offer intake.push_schedule
        intake.byline intake.clean intake.counts intake.dates intake.decode intake.extract intake.features intake.forest intake.front_matter intake.headline
        intake.html_page intake.identity intake.json_ld intake.language intake.line_model intake.lines intake.markdown intake.page_meta
        intake.bounds intake.page_body intake.page_date intake.page_facts intake.page_heading intake.page_lead intake.page_lines
        intake.page_people intake.page_picture intake.page_tree
        intake.gif intake.picture intake.picture_header intake.picture_links intake.picture_raster intake.webp
        intake.plain intake.pointers intake.revise intake.roles intake.running intake.scope intake.shape
        feeds.atom feeds.delta feeds.directory feeds.entries feeds.generator feeds.json_feed feeds.media feeds.pieces feeds.podcast feeds.rss
        websub.ask websub.schedule websub.topics
        site.pages site.past
        audience.exports audience.move_out audience.pace audience.report audience.ruling audience.tagging audience.typos
        audience.wanted
        digest.calendar digest.due digest.prose digest.render digest.select digest.words
        mail.address mail.alarm mail.compose mail.dkim mail.dkim_record mail.headers mail.judge mail.lint mail.lint_parts mail.message
        mail.hours mail.pace mail.quoted mail.standing
        inbound.automatic inbound.classify inbound.decide inbound.fields inbound.mime inbound.phrases inbound.prose inbound.report
        inbound.rules inbound.telltales
        """,
    "edge": """
        store.*
        audience.sheet
        intake.export_file
        intake.folder intake.load intake.picture_files intake.shelve intake.watch
        websub.content websub.lanes
        inbound.folder inbound.lmtp inbound.mailbox inbound.queue inbound.scan
        mail.envelope mail.exchanges mail.inbox mail.maildir mail.relay mail.smtp mail.talk mail.transport mail.wire
        """,
    "step": """
        intake.bring_in intake.export_pictures
        intake.departed intake.mend intake.own_addresses intake.picture_copy intake.wording
        intake.commit intake.feed_poll intake.feed_rows intake.feed_take intake.feed_text intake.newcomer intake.push_ask intake.push_receive intake.ingest intake.record intake.survey
        feeds.collect feeds.publish feeds.search
        websub.accept websub.deliver websub.distribute websub.notice websub.ping websub.verify
        site.pictures site.publish
        audience.erase audience.keep_out audience.mine audience.move_in audience.optin audience.own_feed
        audience.personal audience.placing
        digest.batch digest.corrected digest.course digest.desk digest.plan digest.press digest.preview digest.resume
        digest.revise digest.shelf
        digest.welcome
        inbound.collect inbound.effects inbound.receive
        mail.ahead mail.alert mail.aside mail.connections mail.crew mail.deliver mail.forward mail.ledger mail.notices mail.pacing mail.press
        mail.sender mail.stock mail.testcopy
        """,
    "web": "web.*",
    "service": "service ticks way_back",
    "cli": "cli.*",
}

#: Each third-party library -> the modules or packages that may import it, with the reason where there are two.
HOMES = {
    "PIL": ("intake.picture_raster",),
    "aiosmtpd": ("inbound.lmtp",),
    "aiosmtplib": ("mail.smtp",),
    "aiosqlite": ("store.sqlite_driver",),
    "alembic": ("store",),
    "anyascii": ("text",),
    "apscheduler": ("service",),
    "brotli": ("web.prepared",),
    "charset_normalizer": ("intake.decode",),
    "cryptography": ("crypto",),
    "css_inline": ("digest.render",),
    "dns": ("mail.exchanges",),
    "feedparser": ("intake.feed_parse",),
    "feedgen": ("feeds.generator",),
    "flufl": ("inbound.scan",),
    "htmldate": ("intake.html_page",),
    "httpx": ("http",),
    "idna": ("address",),
    "jinja2": ("templating",),
    "lxml": ("feeds", "intake"),  # feedgen and trafilatura each hand out and take its elements
    "markdown_it": ("intake.markdown",),
    "markupsafe": ("templating",),
    "nh3": ("intake.clean",),
    "numpy": ("intake.features", "intake.forest", "intake.line_model", "intake.sketch"),  # tables of numbers
    "prometheus_client": ("metrics",),
    "py3langid": ("intake.language",),
    "pydantic": ("config", "settings", "mail_settings", "inbound_settings", "setting_types"),  # the reading of the configuration, its tables, their values
    "pydantic_settings": ("config",),
    "rich": ("cli",),
    "sqlalchemy": ("store",),
    "starlette": ("web",),
    "structlog": ("log",),
    "trafilatura": ("intake.page_body",),
    "typer": ("cli",),
    "uvicorn": ("web.server",),
    "uvloop": ("loop",),
    "watchfiles": ("intake.watch",),
    "yaml": ("intake.front_matter",),
    "zstandard": ("web.prepared",),
}

#: Modules that no pure one may import, names and attributes that it may not use.
IMPURE_MODULES = frozenset(("random", "secrets", "logging", "structlog", "publisher.log", "socket", "subprocess"))
IMPURE_NAMES = frozenset(("open", "uuid1", "uuid4", "input", "print"))
IMPURE_ATTRIBUTES = frozenset(
    ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic", "os.environ",
     "os.getenv", "uuid.uuid4", "uuid.uuid1")
)
IMPURE_METHODS = frozenset(("read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir"))

LONGEST_FUNCTION = 40
LONGEST_MODULE = 300
EMPTY_NAMES = frozenset(("util", "utils", "helper", "helpers", "manager", "managers", "handler", "handlers"))


# --- the sources -----------------------------------------------------------------------------------------------------


def read_sources() -> dict[str, str]:
    """Every module of the program, by its name; a package stands under its own."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name + (".__init__" if path.stem == "__init__" else "")] = path.read_text(encoding="utf-8")
    return found


def layer_of(module: str) -> str | None:
    """The module's layer in the table; None where it stands in none."""
    short = module.removeprefix("publisher.")
    for layer, names in TABLE.items():
        for name in names.split():
            if short == name or (name.endswith(".*") and short.startswith(name[:-1])):
                return layer
    return None


def feature_of(module: str) -> str | None:
    """The feature that a module belongs to, or None."""
    parts = module.split(".")
    return parts[1] if len(parts) > 2 and parts[1] in FEATURES else None


def imports(sources: Sources, module: str) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that the module imports, also inside functions and under TYPE_CHECKING.

    A name of ours is that of a module where there is one; otherwise of the package that it is taken from.
    """
    for node in ast.walk(ast.parse(sources[module])):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield node.lineno, name if name in sources or not base.startswith("publisher") else base


# --- the rules -------------------------------------------------------------------------------------------------------


def unlisted(sources: Sources) -> Iterator[str]:
    """Modules that stand on no layer."""
    for module in sources:
        if not module.endswith(".__init__") and layer_of(module) is None:
            yield f"{module}: on no layer; list it in TABLE of tests/test_layers.py"


def wrong_arrows(sources: Sources) -> Iterator[str]:
    """Imports that point up; cycles; packages that hold or give more than a docstring."""
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        if module.endswith(".__init__"):
            body = ast.parse(source).body
            if len(body) != 1 or not isinstance(body[0], ast.Expr):
                yield f"{module}: holds more than a docstring"
            continue
        mine = RANKS.get(layer_of(module) or "", 99)
        for line, name in imports(sources, module):
            if not name.startswith("publisher") and not name.startswith("."):
                continue
            if name not in sources:
                yield f"{module}:{line}: imports {name}, which is no module of ours; packages give nothing"
                continue
            graph.setdefault(module, set()).add(name)
            if RANKS.get(layer_of(name) or "", 0) > mine:
                yield f"{module}:{line}: {layer_of(module)} imports {name}, of the higher layer {layer_of(name)}"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "a cycle: " + " -> ".join(error.args[1])


def features_that_meet(sources: Sources) -> Iterator[str]:
    """Imports from one feature into another."""
    for module in sources:
        for line, name in imports(sources, module):
            mine, other = feature_of(module), feature_of(name)
            if mine and other and mine != other:
                yield f"{module}:{line}: {mine} imports {other}; they meet in model, the shared pieces and the store"


def libraries_away_from_home(sources: Sources) -> Iterator[str]:
    """Third-party imports outside the library's home, or of a library that has none."""
    for module in sources:
        for line, name in imports(sources, module):
            library = name.split(".")[0]
            if library in sys.stdlib_module_names or library in ("publisher", ""):
                continue
            short = module.removeprefix("publisher.") + "."
            if not any(short.startswith(f"{home}.") for home in HOMES.get(library, ())):
                yield f"{module}:{line}: imports {library}; give it one home, in HOMES of tests/test_layers.py"


def impurities(sources: Sources) -> Iterator[str]:
    """What pure modules must not do: wait, read the clock, roll dice, touch disk or environment, log, know the store."""
    for module in sources:
        if layer_of(module) not in PURE:
            continue
        for line, name in imports(sources, module):
            bad = name in IMPURE_MODULES | IMPURE_ATTRIBUTES or name.split(".")[0] in IMPURE_MODULES
            if bad or name.startswith("publisher.store"):
                yield f"{module}:{line}: a pure module imports {name}"
        for node in ast.walk(ast.parse(sources[module])):
            what = _impure(node)
            if what:
                yield f"{module}:{getattr(node, 'lineno', 0)}: a pure module uses {what}"


def _impure(node: ast.AST) -> str:
    if isinstance(node, (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)):
        return "async"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_NAMES:
        return f"{node.func.id}()"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS:
        return f".{node.func.attr}()"
    if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
        owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
        if f"{owner}.{node.attr}" in IMPURE_ATTRIBUTES:
            return f"{owner}.{node.attr}"
    return ""


def too_long(sources: Sources) -> Iterator[str]:
    """Functions and modules over their limits; docstrings and the `#:` lines of fields are not counted."""
    for module, source in sources.items():
        tree = ast.parse(source)
        told = _documentation(tree) | {
            number for number, line in enumerate(source.splitlines(), 1) if line.lstrip().startswith("#:")
        }
        length = len(source.splitlines()) - len(told)
        if length > LONGEST_MODULE:
            yield f"{module}: {length} lines, more than {LONGEST_MODULE}"
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) - told
                if len(lines) > LONGEST_FUNCTION:
                    yield f"{module}:{node.lineno}: {node.name} has {len(lines)} lines, more than {LONGEST_FUNCTION}"


def _documentation(tree: ast.AST) -> set[int]:
    """The lines of strings that stand alone: docstrings of modules, classes, functions and members."""
    return {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def empty_names(sources: Sources) -> Iterator[str]:
    """Modules whose name says nothing."""
    for module in sources:
        words = {word for part in module.split(".") for word in part.split("_")}
        for word in sorted(words & EMPTY_NAMES):
            yield f"{module}: {word} says nothing; name it after what it does"


RULES: tuple[Callable[[Sources], Iterator[str]], ...] = (
    unlisted, wrong_arrows, features_that_meet, libraries_away_from_home, impurities, too_long, empty_names,
)


@pytest.fixture(scope="module")
def sources() -> dict[str, str]:
    return read_sources()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_program_keeps_the_rule(rule: Callable[[Sources], Iterator[str]], sources: dict[str, str]) -> None:
    """The program as it is breaks no rule."""
    assert list(rule(sources)) == []


def test_table_and_homes_name_only_what_is_there(sources: dict[str, str]) -> None:
    """Nothing stands in the tables that the program does not have."""
    listed = {name for names in TABLE.values() for name in names.split() if not name.endswith(".*")}
    assert sorted(name for name in listed if f"publisher.{name}" not in sources) == []
    used = {name.split(".")[0] for module in sources for _, name in imports(sources, module)}
    assert sorted(set(HOMES) - used) == []


# --- each rule fails when it is broken --------------------------------------------------------------------------------


def _broken(rule: Callable[[Sources], Iterator[str]], **modules: str) -> str:
    """The faults of a made-up program; `__` in a module's name stands for a dot."""
    return "\n".join(rule({f"publisher.{name.replace('__', '.')}": source for name, source in modules.items()}))


def test_module_on_no_layer_is_told_where_to_go() -> None:
    """The line names the module and the table."""
    assert _broken(unlisted, mail__pigeon="") == (
        "publisher.mail.pigeon: on no layer; list it in TABLE of tests/test_layers.py"
    )
    assert _broken(unlisted, mail__judge="", store__pigeon="", web__x__y="") == ""


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("model", "text"), ("text", "intake__lines"), ("urls", "store__articles"), ("intake__lines", "intake__ingest"),
        ("mail__smtp", "mail__deliver"), ("digest__plan", "web__app"), ("web__app", "service"), ("service", "cli__main"),
        ("store__articles", "site__publish"),
    ],
)
def test_arrow_up_is_a_fault(lower: str, higher: str) -> None:
    """However it is written; the same arrow the other way is none."""
    dotted = "publisher." + higher.replace("__", ".")
    package, _, name = dotted.rpartition(".")
    for statement in (
        f"import {dotted}", f"from {dotted} import x", f"from {package} import {name}",
        f"def f():\n    from {dotted} import x", f"if TYPE_CHECKING:\n    from {dotted} import x",
    ):
        assert f"imports {dotted}, of the higher layer" in _broken(wrong_arrows, **{lower: statement, higher: ""})
    below = "import publisher." + lower.replace("__", ".")
    assert _broken(wrong_arrows, **{lower: "", higher: below}) == ""


def test_cycle_is_a_fault() -> None:
    """Also under TYPE_CHECKING, and over several modules."""
    found = _broken(
        wrong_arrows, mail__lint="from publisher.mail import headers", mail__headers="import publisher.mail.address",
        mail__address="if TYPE_CHECKING:\n    from publisher.mail.lint import x",
    )
    assert found.startswith("a cycle: ")
    assert all(name in found for name in ("mail.lint", "mail.headers", "mail.address"))


@pytest.mark.parametrize("source", ["from publisher.mail.lint import check", '"""Mail."""\nX = 1', "import os", ""])
def test_package_holds_a_docstring_and_nothing_else(source: str) -> None:
    """Nothing is exported again."""
    package = "publisher.mail.__init__"
    assert list(wrong_arrows({package: source, "publisher.mail.lint": ""})) == [f"{package}: holds more than a docstring"]
    assert list(wrong_arrows({package: '"""Mail."""'})) == []


@pytest.mark.parametrize("source", ["from publisher.mail import lint_all", "from . import lint", "import publisher"])
def test_import_of_no_module_is_a_fault(source: str) -> None:
    """Neither from packages nor relative."""
    assert "packages give nothing" in _broken(wrong_arrows, mail__judge=source, mail__lint="")


def test_features_that_meet_are_a_fault() -> None:
    """They may know the store and the shared pieces; layers above may know them all."""
    found = _broken(features_that_meet, feeds__publish="from publisher.site import pages", site__pages="")
    assert "feeds imports site" in found
    both = "import publisher.feeds.publish\nimport publisher.site.pages"
    assert _broken(features_that_meet, service=both, web__app=both, feeds__publish="", site__pages="") == ""
    assert _broken(features_that_meet, feeds__publish="import publisher.text, publisher.store.articles", text="") == ""


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("feeds__publish", "import sqlalchemy"), ("cli__main", "from aiosmtplib import SMTP"),
        ("mail__smtp", "def f():\n    import jinja2"), ("text", "import requests"), ("web__app", "import yaml.nodes"),
        ("feeds__generator2", "import feedgen"),
    ],
)
def test_library_away_from_home_is_a_fault(module: str, statement: str) -> None:
    """Known ones elsewhere, and unknown ones anywhere."""
    assert "give it one home" in _broken(libraries_away_from_home, **{module: statement})


def test_library_at_home_is_none() -> None:
    """A home is a module or a whole package; the standard library is at home everywhere."""
    at_home = {"store__outbox": "import sqlalchemy.ext", "feeds__generator": "from feedgen import feed", "text": "import re"}
    assert _broken(libraries_away_from_home, **at_home) == ""


@pytest.mark.parametrize(
    "source",
    [
        "async def f(): ...", "def f(): open('x')", "x = datetime.now(UTC)", "x = datetime.datetime.utcnow()",
        "x = date.today()", "import random", "import secrets", "from random import choice", "from uuid import uuid4",
        "x = uuid.uuid4()", "x = os.environ['HOME']", "from os import environ", "import logging", "import structlog", "from publisher import log",
        "from publisher.store import articles", "if TYPE_CHECKING:\n    from publisher.store.engine import Tx",
        "import publisher.store.engine", "def f(path): return path.read_text()", "print(1)", "x = time.time()",
    ],
)
@pytest.mark.parametrize("module", ["intake__plain", "text", "model"])
def test_impurity_is_a_fault(module: str, source: str) -> None:
    """In every pure module, and in none of the others."""
    others = {"log": "", "store__articles": "", "store__engine": ""}
    assert "a pure module" in _broken(impurities, **{module: source}, **others)
    assert _broken(impurities, mail__deliver=source, **others) == ""


def test_long_functions_and_modules_are_faults() -> None:
    """Documentation is not counted."""
    body = "    x = 1\n" * LONGEST_FUNCTION
    story = '    """' + "words\n" * 100 + '    """\n'
    assert "f has 41 lines" in _broken(too_long, text=f"def f():\n{body}")
    assert "f has 41 lines" in _broken(too_long, text=f"class C:\n  async def f():\n{body}")
    assert _broken(too_long, text=f"def f():\n{story}{body[10:]}") == ""
    assert "publisher.text: 301 lines" in _broken(too_long, text="x = 1\n" * 301)
    assert _broken(too_long, text='"""' + "words\n" * 100 + '"""\n' + "#: A field.\nx = 1\n" * 300) == ""


@pytest.mark.parametrize("module", ["utils", "mail__helpers", "web__manager", "mail__bounce_handler"])
def test_name_that_says_nothing_is_a_fault(module: str) -> None:
    """Alone or as a part."""
    assert "says nothing" in _broken(empty_names, **{module: ""})
    assert _broken(empty_names, mail__judge="") == ""
