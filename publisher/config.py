"""Reading the configuration: once, every fault reported at once with the key's name.

    file (TOML) | environment over it | secrets from *_file | validate -> Settings

A scalar key can be set in the environment as `PUBLISHER__SECTION__KEY`, an array as one JSON value
(`PUBLISHER__SOURCE='[{"kind": "folder", "path": "in"}]'`). The only code that knows pydantic-settings.
"""

from __future__ import annotations

import copy
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from publisher import urls
from publisher.errors import ConfigError
from publisher.inbound_settings import Inbound
from publisher.mail_settings import Alerts, Mail
from publisher.packaged import packaged
from publisher.settings import (
    Feeds,
    Hub,
    Log,
    Newsletter,
    Output,
    Site,
    Source,
    StoreSettings,
    Subscribing,
    Web,
)

#: Secrets, each of which may be given as `<key>_file` instead.
_SECRETS = (("mail", "password"), ("alerts", "webhook"))
#: Passwords inside URLs.
_PASSWORD = re.compile(r"(//[^:/@\s]*):.*@")
_ARRAY = "must be an array; in the environment, one JSON value"
_TABLE = "must be a table; in the environment, one JSON value"
#: Our words for kinds of faults; the rest is pydantic's.
_WORDS = {
    "extra_forbidden": "unknown key", "missing": "missing", "tuple_type": _ARRAY, "model_type": _TABLE,
    "model_attributes_type": _TABLE, "int_parsing": "must be a whole number", "int_type": "must be a whole number",
    "int_from_float": "must be a whole number", "bool_parsing": "must be true or false",
    "bool_type": "must be true or false", "string_type": "must be text in quotes",
    "path_type": "must be text in quotes", "string_too_short": "must not be empty",
    "too_short": "must hold at least one",
}


class _Environment(EnvSettingsSource):
    """The variables. What is no JSON where it must be stays text, for the validation to refuse with all else."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """The whole configuration. Paths are as written; `path()` makes them absolute."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, env_prefix="PUBLISHER__", env_nested_delimiter="__",
        case_sensitive=False,
    )

    site: Site = Site()
    store: StoreSettings = StoreSettings()
    output: Output = Output()
    feeds: Feeds = Feeds()
    web: Web = Web()
    source: tuple[Source, ...] = ()
    newsletter: tuple[Newsletter, ...] = ()
    subscribing: Subscribing = Subscribing()
    mail: Mail = Mail()
    alerts: Alerts = Alerts()
    hub: Hub = Hub()
    #: Absent: off.
    inbound: Inbound | None = None
    log: Log = Log()
    #: Folder that relative paths are relative to; no key of the file.
    root: Path = Path()

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file."""
        del env_settings, dotenv_settings, file_secret_settings  # ours stands in their place
        return _Environment(settings_cls), init_settings

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

    @property
    def hubs(self) -> tuple[str, ...]:
        """Addresses of the WebSub hubs that push the feeds: the own one first where it is enabled, then the others."""
        own = (urls.absolute(self.site.url, urls.HUB_PATH),) if self.hub.enabled else ()
        return (*own, *self.hub.ping)

    def find_newsletter(self, name: str) -> Newsletter | None:
        """The newsletter called `name`, or None."""
        return next((n for n in self.newsletter if n.name == name), None)


def find(explicit: Path | None) -> Path:
    """The file: as asked, else `$PUBLISHER_CONFIG`, else `config/publisher.toml`, else the packaged default."""
    named = _named(explicit)
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
    if _named(explicit) is None and path.parent == packaged("config"):
        root = Path.cwd()
        data.pop("source", None)  # the packaged default knows no folder of this machine
    settings, faults = _build(data, root)
    faults = [*_unknown_variables(), *faults]
    if settings is None or faults:
        raise ConfigError(tuple(faults))
    return settings


def _named(explicit: Path | None) -> Path | None:
    variable = os.environ.get("PUBLISHER_CONFIG")
    return explicit or (Path(variable) if variable else None)


def _build(data: dict[str, Any], root: Path) -> tuple[Settings | None, list[str]]:
    """The settings, and every fault; the settings count only where there is none."""
    try:
        settings = Settings(**data, root=root)
    except ValidationError as error:
        errors: list[dict[str, Any]] = [dict(item) for item in error.errors()]
        own = [item for item in errors if not _is_around(item, errors)]
        found = {".".join(map(str, item["loc"])) or "configuration": item for item in own}
        faults = [_line(key, item) for key, item in found.items()]
        more = _beyond(data, root, [item["loc"] for item in found.values()])
        known = {".".join(map(str, item["loc"][:end])) for item in errors for end in range(1, len(item["loc"]) + 1)}
        return None, faults + [line for line in more if line.partition(":")[0] not in known]
    settings, faults = _with_secrets(settings)
    return settings, faults + _contradictions(settings)


def _is_around(item: dict[str, Any], errors: list[dict[str, Any]]) -> bool:
    """True for a fault that only follows from one within it: an array is empty because its items are refused."""
    loc = item["loc"]
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in errors)


def _beyond(data: dict[str, Any], root: Path, faulty: list[tuple[int | str, ...]]) -> list[str]:
    """The faults that show only once the faulty keys of the file are out of the way: one run reports them all."""
    rest = copy.deepcopy(data)
    for table, *key in faulty:
        if key and isinstance(key[0], str) and isinstance(rest.get(str(table)), dict):
            rest[str(table)].pop(key[0], None)
        else:
            rest.pop(str(table), None)
    return [] if rest == data else _build(rest, root)[1]


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
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - where the file stands, not where a link leads to
    return folder.parent if folder.name == "config" else folder


def _unknown_variables() -> list[str]:
    """Variables of ours that name no table: pydantic-settings passes over these in silence."""
    known = set(Settings.model_fields) - {"root"}
    ours = sorted(name for name in os.environ if name.upper().startswith("PUBLISHER__"))
    return [f"{name}: unknown key" for name in ours if name.lower().split("__")[1] not in known]


def _with_secrets(settings: Settings) -> tuple[Settings, list[str]]:
    """`settings` with each secret that is given as `*_file` taken from its file, and the faults."""
    faults: list[str] = []
    changed: dict[str, Any] = {}
    for section, key in _SECRETS:
        table, more = _with_secret(settings, getattr(settings, section), section, key)
        changed[section] = table
        faults += more
    relays = [_with_secret(settings, it, f"mail.relay.{at}", "password") for at, it in enumerate(settings.mail.relay)]
    changed["mail"] = changed["mail"].model_copy(update={"relay": tuple(relay for relay, _ in relays)})
    faults += [fault for _, more in relays for fault in more]
    if settings.inbound is not None and settings.inbound.imap is not None:
        imap, more = _with_secret(settings, settings.inbound.imap, "inbound.imap", "password")
        changed["inbound"] = settings.inbound.model_copy(update={"imap": imap})
        faults += more
    return settings.model_copy(update=changed), faults


def _with_secret(settings: Settings, table: Any, name: str, key: str) -> tuple[Any, list[str]]:
    """`table` with the secret `key` from its file, where it has one, and the faults."""
    file = getattr(table, f"{key}_file")
    if file is None:
        return table, []
    if getattr(table, key).get_secret_value():
        return table, [f"{name}.{key}: given twice, here and as {name}.{key}_file"]
    try:
        secret = SecretStr(settings.path(file).read_text(encoding="utf-8").strip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        return table, [f"{name}.{key}_file: cannot read {file}: {getattr(error, 'strerror', None) or error}"]
    return table.model_copy(update={key: secret}), []


def _contradictions(settings: Settings) -> list[str]:
    """Faults that no single key shows."""
    faults = []
    if settings.mail.transport == "smtp" and not settings.site.postal_address.strip():
        faults.append('site.postal_address: required when mail.transport is "smtp"; the law asks for it in bulk mail')
    names = [n.name for n in settings.newsletter]
    faults += [f"newsletter: two are named {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    if not settings.hub.lease_min <= settings.hub.lease <= settings.hub.lease_max:
        faults.append("hub.lease: must lie between hub.lease_min and hub.lease_max")
    sources = [s.name for s in settings.source]
    faults += [f"source: {name} stands twice" for name in sorted({s for s in sources if sources.count(s) > 1})]
    for i, source in enumerate(settings.source):
        faults += [f"source.{i}.{fault}" for fault in _faults_of_source(source)]
    return faults


def _faults_of_source(source: Source) -> list[str]:
    """Keys that its kind lacks, or does not know."""
    given = source.model_fields_set
    if source.kind == "folder":
        of_feeds = ("url", "full_text", "allow_private")
        return [f'{key}: only of a source of the kind "feed"' for key in of_feeds if key in given]
    of_folders = ("path", "settle", "archive", "follow_deletions")
    faults = [f'{key}: only of a source of the kind "folder"' for key in of_folders if key in given]
    return faults if source.url else [*faults, "url: missing; a feed has an address"]


def _line(key: str, error: dict[str, Any]) -> str:
    """One fault as "section.key: what is wrong (got what)"; never the value of a secret."""
    kind, given = error["type"], error.get("input")
    message = _WORDS.get(kind, error["msg"].removeprefix("Value error, ").replace("Input should be", "must be"))
    secret = any(error["loc"][:2] == path for path in _SECRETS) or error["loc"][-1:] == ("password",)
    if secret or isinstance(given, (dict, list)) or kind in ("extra_forbidden", "missing", "tuple_type", "model_type"):
        return f"{key}: {message}"
    shown = _PASSWORD.sub(r"\1:...@", repr(given))
    return f"{key}: {message} (got {shown})"
