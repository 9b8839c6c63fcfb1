"""Reading the configuration: once, every fault reported at once with the key's name.

    file (TOML) | environment over it | secrets from *_file | validate -> Settings

A scalar key can be set in the environment as `PUBLISHER__SECTION__KEY`, an array as one JSON value
(`PUBLISHER__SOURCE='[{"kind": "folder", "path": "in"}]'`). The only code that knows pydantic-settings.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from publisher.errors import ConfigError
from publisher.packaged import packaged
from publisher.settings import Feeds, Hub, Inbound, Log, Mail, Newsletter, Output, Site, Source, StoreSettings, Web

#: Secrets, each of which may be given as `<key>_file` instead.
_SECRETS = (("mail", "password"),)


class Settings(BaseSettings):
    """The whole configuration. Paths are as written; `path()` makes them absolute."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="PUBLISHER__", env_nested_delimiter="__", case_sensitive=False
    )

    site: Site = Site()
    store: StoreSettings = StoreSettings()
    output: Output = Output()
    feeds: Feeds = Feeds()
    web: Web = Web()
    source: tuple[Source, ...] = ()
    newsletter: tuple[Newsletter, ...] = ()
    mail: Mail = Mail()
    hub: Hub = Hub()
    #: Absent: off.
    inbound: Inbound | None = None
    log: Log = Log()
    #: Folder that relative paths are relative to; no key of the file.
    root: Path = Path()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, **_: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file."""
        return env_settings, init_settings

    def path(self, path: Path) -> Path:
        """`path`, made absolute."""
        return self.root / path

    @property
    def store_folder(self) -> Path:
        """Where keys, locks and the development inbox lie: beside the SQLite file, else `var/`."""
        if self.store.url.startswith("sqlite:///"):
            return self.path(Path(self.store.url.removeprefix("sqlite:///"))).parent
        return self.path(Path("var"))

    @property
    def inbox(self) -> Path:
        """Folder of the development inbox."""
        return self.store_folder / "inbox"

    def find_newsletter(self, name: str) -> Newsletter | None:
        """The newsletter called `name`, or None."""
        return next((n for n in self.newsletter if n.name == name), None)


def find(explicit: Path | None) -> Path:
    """The configuration file: as asked, else `$PUBLISHER_CONFIG`, else `config/publisher.toml`, else the packaged one."""
    named = explicit or (Path(os.environ["PUBLISHER_CONFIG"]) if os.environ.get("PUBLISHER_CONFIG") else None)
    if named is not None:
        return named
    local = Path("config/publisher.toml")
    return local if local.is_file() else packaged("config") / "publisher.toml"


def load(explicit: Path | None = None) -> Settings:
    """The settings of the file that `find` finds, with the environment over them.

    Raises ConfigError with one line for each fault.
    """
    path = find(explicit)
    data = _read(path)
    root = _root(path)
    faults = _unknown_variables()
    if explicit is None and "PUBLISHER_CONFIG" not in os.environ and path.parent == packaged("config"):
        root = Path.cwd()
        if not (root / "config/publisher.toml").is_file():
            data.pop("source", None)  # the packaged default knows no folder of this machine
    try:
        settings = Settings(**{**data, "root": root})
        settings, more = _with_secrets(settings)
        faults += more + _contradictions(settings)
    except ValidationError as error:
        raise ConfigError(tuple(dict.fromkeys([*faults, *(_line(dict(e)) for e in error.errors())]))) from error
    except SettingsError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = field[1] if field else "environment"
        raise ConfigError((*faults, f"{name}: is not JSON; give the array as one JSON value")) from error
    if faults:
        raise ConfigError(tuple(faults))
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((f"{path}: not TOML: {error}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigError((f"{path}: not UTF-8 text",)) from error
    except OSError as error:
        raise ConfigError((f"cannot read the configuration file {path}: {error.strerror}",)) from error
    if "root" in data:
        raise ConfigError(("root: unknown key",))
    return data


def _root(path: Path) -> Path:
    folder = path.resolve().parent
    return folder.parent if folder.name == "config" else folder


def _unknown_variables() -> list[str]:
    """Variables of ours that name no table: pydantic-settings passes over these in silence."""
    known = set(Settings.model_fields) - {"root"}
    ours = sorted(name for name in os.environ if name.startswith("PUBLISHER__"))
    return [f"{n}: unknown key" for n in ours if n.removeprefix("PUBLISHER__").split("__")[0].lower() not in known]


def _with_secrets(settings: Settings) -> tuple[Settings, list[str]]:
    """`settings` with each secret that is given as `*_file` taken from its file, and the faults."""
    faults: list[str] = []
    for section, key in _SECRETS:
        table = getattr(settings, section)
        file = getattr(table, f"{key}_file")
        if file is None:
            continue
        if getattr(table, key).get_secret_value():
            faults.append(f"{section}.{key}: given twice, here and as {section}.{key}_file")
            continue
        try:
            secret = SecretStr(settings.path(file).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{section}.{key}_file: cannot read {file}: {getattr(error, 'strerror', None) or error}")
            continue
        settings = settings.model_copy(update={section: table.model_copy(update={key: secret})})
    return settings, faults


def _contradictions(settings: Settings) -> list[str]:
    """Faults that no single key shows."""
    faults = []
    if settings.mail.transport == "smtp" and not settings.site.postal_address.strip():
        faults.append('site.postal_address: required when mail.transport is "smtp"; the law asks for it in bulk mail')
    names = [n.name for n in settings.newsletter]
    faults += [f"newsletter: two are named {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    sources = [s.name for s in settings.source]
    faults += [f"source: {name} stands twice" for name in sorted({s for s in sources if sources.count(s) > 1})]
    faults += [
        f'source.{i}.kind: "feed" is not read by this version; use a folder'
        for i, source in enumerate(settings.source) if source.kind == "feed"
    ]
    return faults


def _line(error: dict[str, Any]) -> str:
    """One fault as "section.key: what is wrong"."""
    parts = tuple(str(part) for part in error["loc"])
    key = ".".join(parts) or "configuration"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    if error["type"] == "missing":
        return f"{key}: missing"
    message = error["msg"].removeprefix("Value error, ")
    given = error.get("input")
    secret = any(parts[:1] == (section,) and parts[-1:] == (name,) for section, name in _SECRETS)
    shown = "" if secret or isinstance(given, (dict, list)) else f" (got {given!r})"
    return f"{key}: {message[0].lower()}{message[1:]}{shown}"
