"""Reading the configuration: what is accepted, what is refused, and what the refusal says."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from publisher import config
from publisher.errors import ConfigError
from publisher.model import Frequency
from publisher.packaged import packaged

Load = Callable[..., config.Settings]

#: The contract: every table and key that stays from the first release on, with a value that it takes.
CONTRACT = """
[site]
title = "The Example Courier"
url = "http://127.0.0.1:8000"
description = "News in plain words"
language = "en"
timezone = "Europe/London"
postal_address = ""
[store]
url = "sqlite:///var/publisher.db"
[output]
directory = "var/public"
[feeds]
items = 50
content = "full"
[web]
host = "127.0.0.1"
port = 8000
[[source]]
kind = "folder"
path = "seeds"
poll = "2s"
settle = "200ms"
backfill = "mail"
[[newsletter]]
name = "daily"
title = "The Daily Courier"
frequencies = ["daily", "weekly", "immediate"]
time = "07:00"
sections = []
welcome = true
[mail]
transport = "inbox"
sender = "The Example Courier <digest@example.org>"
host = "127.0.0.1"
port = 25
security = "none"
connections = 8
processes = 1
in_doubt = "repeat"
directory = "var/maildir"
[mail.dkim]
domain = "example.org"
selector = "s1"
key_file = "config/dkim.pem"
[hub]
enabled = true
allow_private = false
[inbound]
lmtp = "127.0.0.1:8024"
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Settings of a text of TOML, and variables."""

    def from_text(text: str = "", **variables: str) -> config.Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        file = tmp_path / "publisher.toml"
        file.write_text(text, encoding="utf-8")
        return config.load(file)

    return from_text


@pytest.fixture
def faults(load: Load) -> Callable[..., list[str]]:
    """The lines that refuse a text of TOML, and variables."""

    def of_text(text: str = "", **variables: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, **variables)
        assert caught.value.__cause__ is None  # nothing with the values in it is shown with the error
        return list(caught.value.faults)

    return of_text


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_every_key_of_the_contract_is_accepted(load: Load) -> None:
    """With its value, as the type that the program works with."""
    found = load(CONTRACT)
    assert found.site.zone.key == "Europe/London"
    assert (found.source[0].poll, found.source[0].settle) == (timedelta(seconds=2), timedelta(milliseconds=200))
    assert found.source[0].name == "folder:seeds"
    assert found.newsletter[0].time == time(7)
    assert found.newsletter[0].frequencies == (Frequency.DAILY, Frequency.WEEKLY, Frequency.IMMEDIATE)
    assert found.mail.dkim is not None
    assert found.mail.dkim.key_file == Path("config/dkim.pem")
    assert found.inbound is not None
    assert found.find_newsletter("daily") is found.newsletter[0]
    assert found.find_newsletter("weekly") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("store.url", "postgresql://user@host/name"), ("store.durability", "full"), ("feeds.content", "summary"),
        ("mail.transport", "maildir"), ("mail.security", "starttls"), ("mail.security", "tls"),
        ("mail.in_doubt", "hold"), ("hub.allow_private", True), ("site.language", "pt-BR"),
        ("mail.reply_to", "Desk <desk@example.org>"), ("mail.catch_up", "1.5h"), ("mail.settle_mail", "0s"),
    ],
)
def test_other_values_of_the_contract_are_accepted(load: Load, key: str, value: object) -> None:
    """Each of those that the comments name."""
    table, name = key.split(".")
    load(f"[{table}]\n{name} = {json.dumps(value)}")


def test_feed_has_defaults_of_its_own(load: Load) -> None:
    """Polled every quarter of an hour, its backfill held; what is written wins."""
    found = load('[[source]]\nkind = "feed"\nurl = "https://News.example.org/rss.xml?a=1"').source[0]
    assert (found.poll, found.backfill, found.full_text) == (timedelta(minutes=15), "hold", False)
    assert found.name == "feed:news.example.org/rss.xml?a=1"
    found = load('[[source]]\nkind = "feed"\nurl = "https://a.example/"\npoll = "1h"\nbackfill = "mail"').source[0]
    assert (found.poll, found.backfill) == (timedelta(hours=1), "mail")


def test_source_may_hold_its_backfill(load: Load) -> None:
    """Live, but never mailed."""
    assert load('[[source]]\nbackfill = "hold"').source[0].backfill == "hold"


def test_empty_file_gives_the_defaults(load: Load) -> None:
    """No source, no newsletter, no signing, no way back."""
    found = load()
    assert (found.source, found.newsletter, found.mail.dkim, found.inbound) == ((), (), None, None)
    assert (found.mail.transport, found.feeds.items, found.web.port) == ("inbox", 50, 8000)


def test_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Editors write one."""
    file = tmp_path / "publisher.toml"
    file.write_bytes(b'\xef\xbb\xbf[site]\ntitle = "Courier"\n')
    assert config.load(file).site.title == "Courier"


# --- the default file ------------------------------------------------------------------------------------------------


def _default_text() -> str:
    return (packaged("config") / "publisher.toml").read_text(encoding="utf-8")


def _keys(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        array = isinstance(value, list) and value and isinstance(value[0], dict)
        inner = {key: of for one in value for key, of in one.items()} if array else value
        if inner and isinstance(inner, dict):
            yield from _keys(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kinds = [field.annotation, *get_args(field.annotation)]
        inner = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)
        if inner is None:
            yield prefix + (field.alias or name)
        else:
            yield from _fields(inner, f"{prefix}{name}.")


def test_default_file_names_every_key() -> None:
    """Those that are commented out too: what a person can set stands there."""
    text = re.sub(r"^# (\[{1,2}[\w.]+\]|\w+ = )", r"\1", _default_text(), flags=re.MULTILINE)
    named = ("feeds.moved", "feeds.section")  # whose keys are names of the site's own
    found, known = (
        {next((name for name in named if key.startswith(f"{name}.")), key) for key in keys}
        for keys in (_keys(tomllib.loads(text)), _fields(config.Settings))
    )
    assert found == known - {"root"}


def test_default_file_with_all_its_keys_is_accepted(load: Load, tmp_path: Path) -> None:
    """Whoever takes the comment signs away gets no surprise."""
    text = re.sub(r"^# (\[{1,2}[\w.]+\]|(?!password |webhook )\w+ = )", r"\1", _default_text(), flags=re.MULTILINE)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/smtp-password").write_text("geheim\n")
    (tmp_path / "config/relay2-password").write_text("auch\n")
    (tmp_path / "config/imap-password").write_text("ebenso\n")
    (tmp_path / "config/alerts-webhook").write_text("https://chat.example.org/hooks/abc\n")
    assert load(text).mail.password.get_secret_value() == "geheim"


def test_default_file_says_what_the_program_assumes(load: Load) -> None:
    """A key that is left out means the same as the line that stands there."""
    default, empty = load(_default_text()), load()
    for table in ("feeds", "web", "output", "hub", "log", "store"):
        assert getattr(default, table) == getattr(empty, table)
    assert default.mail.model_copy(update={"sender": empty.mail.sender}) == empty.mail


# --- where the file is, and what paths are relative to ---------------------------------------------------------------


def test_file_is_found_where_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option over the variable over config/ here over what ships with the program."""
    monkeypatch.chdir(tmp_path)
    assert config.find(None) == packaged("config") / "publisher.toml"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/publisher.toml").touch()
    assert config.find(None) == Path("config/publisher.toml")
    monkeypatch.setenv("PUBLISHER_CONFIG", "/etc/courier.toml")
    assert config.find(None) == Path("/etc/courier.toml")
    assert config.find(Path("other.toml")) == Path("other.toml")


@pytest.mark.parametrize("variable", [None, ""])
def test_packaged_default_has_no_source_and_works_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    """Paths are relative to the working directory; it knows no folder of this machine."""
    monkeypatch.chdir(tmp_path)
    if variable is not None:
        monkeypatch.setenv("PUBLISHER_CONFIG", variable)
    found = config.load()
    assert found.source == ()
    assert found.newsletter[0].name == "daily"
    assert found.path(found.output.directory) == tmp_path / "var/public"


def test_packaged_default_takes_a_source_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container needs no file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUBLISHER__SOURCE", '[{"kind": "folder", "path": "/in"}]')
    assert [source.name for source in config.load().source] == ["folder:/in"]


def test_paths_are_relative_to_the_folder_that_holds_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the program was started."""
    (tmp_path / "config").mkdir()
    file = tmp_path / "config/publisher.toml"
    file.write_text('[[source]]\npath = "seeds"')
    found = config.load(file)
    assert found.path(found.source[0].path) == tmp_path / "seeds"
    assert found.path(Path("/absolute")) == Path("/absolute")
    assert found.store_folder == tmp_path / "var"
    assert found.inbox == tmp_path / "var/inbox"
    monkeypatch.chdir(tmp_path)
    assert config.load().source == found.source
    assert config.load().root == tmp_path
    monkeypatch.chdir(tmp_path / "config")
    assert config.load(Path("publisher.toml")).root == tmp_path


def test_paths_are_relative_to_the_files_own_folder_elsewhere(tmp_path: Path) -> None:
    """A link counts where it stands, not where it leads to."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/courier.toml").write_text('[store]\nurl = "postgresql://user@host/name"')
    assert config.load(tmp_path / "real/courier.toml").root == tmp_path / "real"
    (tmp_path / "app/config").mkdir(parents=True)
    (tmp_path / "app/config/publisher.toml").symlink_to(tmp_path / "real/courier.toml")
    found = config.load(tmp_path / "app/config/publisher.toml")
    assert found.root == tmp_path / "app"
    assert found.store_folder == tmp_path / "app/var"


# --- the environment -------------------------------------------------------------------------------------------------


def test_environment_goes_over_the_file(load: Load) -> None:
    """Key by key, nested tables and underscores within names too; what it leaves out stays."""
    found = load(
        '[site]\ntitle = "File"\ndescription = "Stays"\n[mail.dkim]\ndomain = "a.org"\nselector = "s"\nkey_file = "k"',
        PUBLISHER__SITE__TITLE="Environment", PUBLISHER__MAIL__DKIM__DOMAIN="b.org", PUBLISHER__MAIL__REPLY_TO="r@b.org",
        PUBLISHER__MAIL__SETTLE_MAIL="5s", PUBLISHER__WEB__PORT="9000", PUBLISHER__HUB__ENABLED="false",
        PUBLISHER__INBOUND__LMTP="127.0.0.1:24", publisher__feeds__items="7",
    )
    assert (found.site.title, found.site.description) == ("Environment", "Stays")
    assert found.mail.dkim is not None
    assert (found.mail.dkim.domain, found.mail.dkim.selector) == ("b.org", "s")
    assert (found.mail.reply_to, found.mail.settle_mail) == ("r@b.org", timedelta(seconds=5))
    assert (found.web.port, found.hub.enabled, found.feeds.items) == (9000, False, 7)
    assert found.inbound is not None


def test_environment_gives_an_array_as_one_json_value(load: Load) -> None:
    """It takes the place of the file's."""
    found = load(
        CONTRACT,
        PUBLISHER__SOURCE='[{"path": "a", "poll": "5s"}, {"path": "b"}]',
        PUBLISHER__NEWSLETTER='[{"name": "weekly", "frequencies": ["weekly"], "time": "18:30"}]',
    )
    assert [source.path for source in found.source] == [Path("a"), Path("b")]
    assert [(n.name, n.frequencies, n.time) for n in found.newsletter] == [("weekly", (Frequency.WEEKLY,), time(18, 30))]


def test_environment_without_json_is_refused_with_all_else(faults: Callable[..., list[str]]) -> None:
    """The line says what to write, and shows no value: it may hold a secret."""
    found = faults(
        "[web]\nport = 0", PUBLISHER__SOURCE="[{]", PUBLISHER__MAIL='{"password": "geheim', PUBLISHER__NEWSLETTER__0__NAME="x"
    )
    assert sorted(found) == [
        "mail: must be a table; in the environment, one JSON value",
        "newsletter: must be an array; in the environment, one JSON value",
        "source: must be an array; in the environment, one JSON value",
        "web.port: must be greater than or equal to 1 (got 0)",
    ]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_unknown_keys_are_refused_by_their_full_name(faults: Callable[..., list[str]]) -> None:
    """In the file and in the environment, at every depth, all at once."""
    found = faults(
        'bogus = 1\n[sight]\ntitle = "x"\n[site]\ntitel = "x"\n[mail.dkim]\ndomain = "a"\nselector = "s"\nkey_file = "k"\n'
        'kei = 1\n[[newsletter]]\nname = "daily"\nhour = 7\n',
        PUBLISHER__SITE__TITTLE="x", PUBLISHER__SITE_TITLE="x", PUBLISHER__NOPE="x", PUBLISHER__ROOT="/", publisher__x="1",
    )
    assert sorted(found) == [
        "PUBLISHER__NOPE: unknown key", "PUBLISHER__ROOT: unknown key", "PUBLISHER__SITE_TITLE: unknown key",
        "bogus: unknown key", "mail.dkim.kei: unknown key", "newsletter.0.hour: unknown key",
        "publisher__x: unknown key", "sight: unknown key", "site.titel: unknown key", "site.tittle: unknown key",
    ]


def test_root_is_no_key_of_the_file(faults: Callable[..., list[str]]) -> None:
    """It follows from where the file lies."""
    assert faults('root = "/tmp"') == ["root: unknown key"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[web]\nport = "eighty"', "web.port: must be a whole number (got 'eighty')"),
        ("[web]\nport = 70000", "web.port: must be less than or equal to 65535 (got 70000)"),
        ("[mail]\nprocesses = 1.5", "mail.processes: must be a whole number (got 1.5)"),
        ("[site]\ntitle = 5", "site.title: must be text in quotes (got 5)"),
        ('[site]\ntitle = ""', "site.title: must not be empty (got '')"),
        ('[hub]\nenabled = "perhaps"', "hub.enabled: must be true or false (got 'perhaps')"),
        ('[feeds]\ncontent = "half"', "feeds.content: must be 'full' or 'summary' (got 'half')"),
        ('site = "x"', "site: must be a table; in the environment, one JSON value"),
        ('[source]\npath = "x"', "source: must be an array; in the environment, one JSON value"),
        ('[[source]]\npath = ""', "source.0.path: is empty; write a path (got '')"),
        (
            "[[source]]\npoll = 2",
            'source.0.poll: is no duration below 1000 days; write a number with ms, s, m, h or d, as "90s" (got 2)',
        ),
        (
            '[mail]\nexpiry = "99999999999999d"',
            (
                'mail.expiry: is no duration below 1000 days; write a number with ms, s, m, h or d, as "90s"'
                " (got '99999999999999d')"
            ),
        ),
        ('[[source]]\npoll = "0s"', "source.0.poll: must be more than nothing; write it as \"2s\" (got '0s')"),
        (
            '[site]\ntimezone = "Mars/Phobos"',
            'site.timezone: is no IANA time zone; write one such as "Europe/London" (got \'Mars/Phobos\')',
        ),
        (
            '[site]\nlanguage = "english please"',
            'site.language: is no language tag; write one such as "en" or "pt-BR" (got \'english please\')',
        ),
        (
            '[site]\nurl = "ftp://example.org"',
            'site.url: is no web address; write one such as "https://news.example.org" (got \'ftp://example.org\')',
        ),
        (
            '[[newsletter]]\nname = "daily"\ntime = "7:00"',
            "newsletter.0.time: is no time of day; write it as \"07:00\" (got '7:00')",
        ),
        ("[[newsletter]]\ntime = '07:00'", "newsletter.0.name: missing"),
        (
            "[[newsletter]]\nname = 'Daily News'",
            'newsletter.0.name: is no short name; write up to 40 of a-z, 0-9 and "-", as "daily" (got \'Daily News\')',
        ),
        ("[[newsletter]]\nname = 'd'\nfrequencies = []", "newsletter.0.frequencies: must hold at least one"),
        (
            "[[newsletter]]\nname = 'd'\nfrequencies = ['daily', 'hourly']",
            "newsletter.0.frequencies.1: must be 'daily', 'weekly' or 'immediate' (got 'hourly')",
        ),
        (
            "[[newsletter]]\nname = 'd'\nfrequencies = ['hourly']",
            "newsletter.0.frequencies.0: must be 'daily', 'weekly' or 'immediate' (got 'hourly')",
        ),
        (
            '[inbound]\nlmtp = "127.0.0.1:99999"',
            'inbound.lmtp: is no address to listen on; write host and port, as "127.0.0.1:8024" (got \'127.0.0.1:99999\')',
        ),
        (
            '[hub]\nping = ["hub.example.net"]',
            'hub.ping.0: is no address of a hub; write one such as "https://hub.example.net/" (got \'hub.example.net\')',
        ),
        (
            '[hub]\nblocked = ["https://a.example/"]',
            'hub.blocked.0: is no host; write one such as "reader.example.net" (got \'https://a.example/\')',
        ),
        ('[hub]\nsignature = "md5"', "hub.signature: must be 'sha1', 'sha256', 'sha384' or 'sha512' (got 'md5')"),
        ("[hub]\ncallbacks = 0", "hub.callbacks: must be greater than or equal to 1 (got 0)"),
        (
            '[store]\nurl = "mysql://user:geheim@host/name"',
            (
                'store.url: is no store; write "sqlite:///path/to/file.db" or "postgresql://user@host/name"'
                " (got 'mysql://user:...@host/name')"
            ),
        ),
    ],
)
def test_wrong_value_gives_a_line_that_says_key_fault_and_remedy(
    faults: Callable[..., list[str]], text: str, line: str
) -> None:
    """One fault, one line; the value as it stands there."""
    assert faults(text) == [line]


@pytest.mark.parametrize("key", ["sender", "reply_to"])
@pytest.mark.parametrize("value", ["nobody", "a@b@c.org", "a@b.org\nBcc: c@d.org", "Name <>"])
def test_wrong_mail_address_is_refused(faults: Callable[..., list[str]], key: str, value: str) -> None:
    """By the key's name; no second header gets in."""
    (line,) = faults(f"[mail]\n{key} = {json.dumps(value)}")
    assert re.match(rf"mail\.{key}: .*(no mail address|mail address is missing|no address may hold)", line)


def test_all_faults_are_reported_at_once(faults: Callable[..., list[str]]) -> None:
    """Wrong values, unknown keys, and what only shows when keys are seen together."""
    found = faults(
        '[site]\ntitel = "x"\n[mail]\ntransport = "smtp"\nport = "x"\n[[newsletter]]\nname = "daily"\ntime = "7"\n'
        '[[source]]\npath = "in"\n[[source]]\npath = "in/"\n',
        PUBLISHER__NOPE="1",
    )
    assert [line.partition(": ")[0] for line in found] == [
        "PUBLISHER__NOPE", "site.titel", "newsletter.0.time", "mail.port", "site.postal_address", "source",
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '[mail]\ntransport = "smtp"',
            'site.postal_address: required when mail.transport is "smtp"; the law asks for it in bulk mail',
        ),
        ('[[newsletter]]\nname = "a"\n[[newsletter]]\nname = "a"', "newsletter: two are named 'a'"),
        ('[[source]]\npath = "in"\n[[source]]\npath = "in"', "source: folder:in stands twice"),
        ('[hub]\nlease = "40d"', "hub.lease: must lie between hub.lease_min and hub.lease_max"),
        ('[[source]]\nkind = "feed"', "source.0.url: missing; a feed has an address"),
        (
            '[[source]]\nkind = "feed"\nurl = "https://a.example/f"\npath = "in"',
            'source.0.path: only of a source of the kind "folder"',
        ),
        ('[[source]]\nurl = "https://a.example/f"', 'source.0.url: only of a source of the kind "feed"'),
        (
            '[[source]]\nkind = "feed"\nurl = "http://a.example/f"\n[[source]]\nkind = "feed"\nurl = "https://www.a.example/f/"',
            "source: feed:a.example/f stands twice",
        ),
        *(
            (
                f'[[source]]\nkind = "feed"\nurl = "{url}"',
                (
                    'source.0.url: is no address of a feed; write one such as "https://news.example.org/rss.xml" '
                    f"(got '{url.replace('me:secret', 'me:...')}')"
                ),
            )
            for url in ("ftp://a.example/f", "https://me:secret@a.example/f", "https://a.example/f#x", "a.example", "https://")
        ),
    ],
)
def test_contradictions_are_refused(faults: Callable[..., list[str]], text: str, line: str) -> None:
    """Faults that no single key shows."""
    assert faults(text) == [line]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("broken.toml", b"[site\n", "not TOML"), ("latin.toml", b'title = "\xe9"', "not UTF-8"),
        ("missing.toml", None, "cannot read the configuration file"),
    ],
)
def test_file_that_cannot_be_read_gives_one_line(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    """Which file, and why."""
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as caught:
        config.load(file)
    assert str(file) in str(caught.value)
    assert len(caught.value.faults) == 1


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["file", "environment"])
def test_secret_may_stand_in_a_file_of_its_own(load: Load, tmp_path: Path, way: str) -> None:
    """Its path is relative like any other; the line end is not part of it, other spaces are."""
    (tmp_path / "secret").write_text("geheim 1 \n")
    if way == "file":
        found = load('[mail]\npassword_file = "secret"')
    else:
        found = load("", PUBLISHER__MAIL__PASSWORD_FILE="secret")
    assert found.mail.password.get_secret_value() == "geheim 1 "


def test_secret_that_is_given_twice_or_cannot_be_read_is_refused(faults: Callable[..., list[str]], tmp_path: Path) -> None:
    """By the key's name."""
    assert faults('[mail]\npassword_file = "nowhere"') == [
        "mail.password_file: cannot read nowhere: No such file or directory"
    ]
    (tmp_path / "secret").write_text("other\n")
    assert faults('[mail]\npassword = "geheim"\npassword_file = "secret"') == [
        "mail.password: given twice, here and as mail.password_file"
    ]


def test_relay_has_a_secret_of_its_own(load: Load, faults: Callable[..., list[str]], tmp_path: Path) -> None:
    """From a file too; a file that cannot be read is told with the relay's number."""
    (tmp_path / "secret").write_text("geheim\n")
    relay = '[[mail.relay]]\nhost = "two.example"\npassword_file = '
    assert load(f'{relay}"secret"').mail.servers[1].password.get_secret_value() == "geheim"
    assert faults(f'{relay}"nowhere"') == [
        "mail.relay.0.password_file: cannot read nowhere: No such file or directory"
    ]


def test_pace_of_mail(load: Load, faults: Callable[..., list[str]]) -> None:
    """Domains are written as mail knows them; what cannot be meant is refused by the key's name."""
    mail = load(
        '[mail]\nquiet = "22:00-06:30"\nrates = { "Bücher.example" = 2 }\nresolver = "127.0.0.1:53"\n'
        "[mail.warm_up]\nsince = 2026-12-01\ndays = [5, 10]"
    ).mail
    assert mail.rates == {"xn--bcher-kva.example": 2.0}
    assert mail.warm_up is not None
    assert mail.warm_up.days == (5, 10)
    for text, key in (
        ("rate = -1", "mail.rate"), ('quiet = "22-6"', "mail.quiet"), ('resolver = "dns"', "mail.resolver"),
        ('rates = { "m m" = 1 }', "mail.rates"), ('rates = { "m.example" = 0 }', "mail.rates"),
        ("warm_up = { since = 2026-12-01, days = [0] }", "mail.warm_up.days"),
    ):
        assert [line.startswith(key) for line in faults(f"[mail]\n{text}")] == [True], text


@pytest.mark.parametrize(
    ("text", "hubs"),
    [
        ("", ("https://example.org/news/hub",)), ("enabled = false", ()),
        ('ping = ["https://hub.example.net/"]', ("https://example.org/news/hub", "https://hub.example.net/")),
        ('enabled = false\nping = ["https://hub.example.net/"]', ("https://hub.example.net/",)),
    ],
)
def test_hubs_are_the_own_one_and_then_the_others(load: Load, text: str, hubs: tuple[str, ...]) -> None:
    """What feeds announce."""
    assert load(f'[site]\nurl = "https://example.org/news/"\n[hub]\n{text}').hubs == hubs


def test_secret_is_shown_nowhere(load: Load, faults: Callable[..., list[str]], tmp_path: Path) -> None:
    """Neither by the settings nor by a refusal, whatever is wrong."""
    (tmp_path / "secret").write_text("geheim")
    urls = '[store]\nurl = "postgresql://user:geheim@host/name"\n'
    for text in (
        '[mail]\npasword = "geheim"', '[mail]\npassword = ["geheim"]', '[mail.password]\nx = "geheim"',
        '[store]\nurl = "postgres://user:geheim@host/name"', '[store]\nurl = "postgres://user:gehe@geheim/im@host/name"',
    ):
        assert "geheim" not in " ".join(faults(text))
    assert faults("[mail]\npassword = 4711") == ["mail.password: must be text in quotes"]
    assert faults("[[mail.relay]]\npassword = 4711") == ["mail.relay.0.password: must be text in quotes"]
    refused = faults('[alerts]\nwebhook = "chat.example.org/geheim"')
    assert refused == ['alerts.webhook: is no web address; write one such as "https://chat.example.org/hooks/abc"']
    assert "geheim" not in repr(load('[alerts]\nwebhook = "https://chat.example.org/geheim?x=1"'))
    for found in (
        load(urls + '[mail]\npassword = "geheim"'), load(urls + '[mail]\npassword_file = "secret"'),
        load(PUBLISHER__MAIL__PASSWORD="geheim"),
    ):
        assert "geheim" not in repr(found)
        assert "geheim" not in str(found)
