"""Every setting of the server, declared once: environment variable, flag, file key and README row come from here."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import typed_settings as ts
from attrs.validators import ge, gt, le
from typed_settings.converters import TSConverter

from nli_tagger.runtime import available_cores
from server.addresses import is_loopback
from server.store.keys import MOST_CONCURRENT, MOST_REQUESTS, Limits

APP = "nli-tagger"
LOADERS = ts.default_loaders(APP, config_files=["nli-tagger.toml"])
"""`nli-tagger.toml` (section `[nli-tagger]`), then the files in NLI_TAGGER_SETTINGS, then the environment."""
CONVERTER = TSConverter(strlist_sep=",")


def _split_keys(values: str | Iterable[str]) -> list[ts.SecretStr]:
    """Flag, environment and file give a list, a string, or a list of strings with commas; blank keys are none."""
    given = [values] if isinstance(values, str) else values
    keys = [key.strip() for value in given for key in value.split(",")]
    if not all(key.isascii() and key.isprintable() for key in keys):
        raise ValueError("A key may hold printable ASCII characters only; HTTP headers carry no others.")
    return [ts.SecretStr(key) for key in keys if key]


@ts.settings(frozen=True)
class ServerSettings:
    """Settings of `nli-tagger serve`. Sizes are in bytes, times in seconds."""

    host: str = ts.option(default="127.0.0.1", help="Address to listen on; beyond loopback a key is required.")
    port: int = ts.option(default=8000, validator=[ge(0), le(65535)], help="Port to listen on; 0 takes a free one.")
    data_dir: Path = ts.option(default=Path("data"), help="Folder for everything the server stores.")
    model: Path | None = ts.option(default=None, help="Model bundle to serve; default: the embedded model.")
    auth: Literal["auto", "required", "off"] = ts.option(
        default="auto",
        help="When an API key is required; auto: beyond loopback, and as soon as there is a key. off: never.",
    )
    api_keys: list[ts.SecretStr] = ts.option(
        factory=list,
        converter=_split_keys,
        click={"show_default": False},
        help="Keys that may tag, sent as 'Authorization: Bearer KEY'; separated by commas.",
    )
    admin_keys: list[ts.SecretStr] = ts.option(
        factory=list,
        converter=_split_keys,
        click={"show_default": False},
        help="Keys that may do everything; others are made with 'nli-tagger keys' or POST /v1/keys.",
    )
    requests_per_minute: int = ts.option(
        default=0, validator=[ge(0), le(MOST_REQUESTS)], help="For every key that has no limit of its own; 0: none."
    )
    tokens_per_minute: int = ts.option(
        default=0, validator=ge(0), help="For every key that has no limit of its own; 0: none."
    )
    concurrent: int = ts.option(
        default=0, validator=[ge(0), le(MOST_CONCURRENT)], help="Requests of a key computed at the same time; 0: any."
    )
    database: ts.SecretStr = ts.option(
        default=ts.SecretStr(""),
        converter=ts.SecretStr,
        click={"show_default": False},
        help="URL of PostgreSQL (postgresql://user:password@host/name); default: SQLite in the data folder.",
    )
    valkey: ts.SecretStr = ts.option(
        default=ts.SecretStr(""),
        converter=ts.SecretStr,
        click={"show_default": False},
        help="URL of Valkey or Redis, to share cache and limits between servers; default: in memory.",
    )
    cache_ttl: int = ts.option(default=86_400, validator=ge(0), help="Seconds that an answer is remembered; 0: never.")
    cache_bytes: int = ts.option(default=64_000_000, validator=ge(0), help="Most memory of the cache in memory.")
    cache_entries: int = ts.option(default=100_000, validator=ge(0), help="Most answers of the cache in memory.")
    log_days: int = ts.option(default=30, validator=ge(0), help="Days that GET /v1/logs goes back; 0: nothing is kept.")
    log_texts: bool = ts.option(default=False, help="Keep the texts of requests with their record, for 'log_days'.")
    threads: int = ts.option(default=0, validator=ge(0), help="Cores that one inference uses; 0: two, if there are.")
    workers: int = ts.option(
        default=0, validator=ge(0), help="Inferences at the same time; 0: as many as the cores allow at 'threads' each."
    )
    max_body_bytes: int = ts.option(default=10_000_000, validator=ge(1), help="Largest request body.")
    max_queue: int = ts.option(
        default=512, validator=ge(1), help="Requests that may wait; one more is answered 503 with Retry-After."
    )
    timeout: float = ts.option(default=300.0, validator=gt(0.0), help="Longest time for one request, waiting included.")
    log_format: Literal["json", "console"] = ts.option(default="json", help="For machines, or for people.")
    log_level: Literal["debug", "info", "warning", "error"] = ts.option(default="info", help="Least level to log.")

    @property
    def opens(self) -> str:
        """Whether callers without a key are let in: "always", "never" or "until there is a key"."""
        if self.auth == "auto":
            return "until there is a key" if is_loopback(self.host) else "never"
        return "always" if self.auth == "off" else "never"

    @property
    def default_limits(self) -> Limits:
        """Limits of a key that has none of its own."""
        return Limits(self.requests_per_minute or None, self.tokens_per_minute or None, self.concurrent or None)

    @property
    def database_url(self) -> str:
        """`database`, worked out."""
        return str(self.database) or f"sqlite:///{self.data_dir.absolute() / 'nli-tagger.db'}"

    @property
    def cores_per_inference(self) -> int:
        """`threads`, worked out: more than two cores for one small model waste the rest."""
        return self.threads or min(2, available_cores())

    @property
    def concurrent_inferences(self) -> int:
        """`workers`, worked out."""
        return self.workers or max(1, available_cores() // self.cores_per_inference)
