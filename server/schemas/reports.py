"""Usage, logs and models."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

Meta = msgspec.Meta


class UsageCounts(msgspec.Struct, kw_only=True):
    """Counts; `tokens` are those computed, cache hits are free."""

    requests: int
    errors: int
    texts: int
    cache_hits: int
    tokens: int


class UsageEntry(UsageCounts, kw_only=True):
    """One day of one key with one classifier; `classifier` is "" for labels sent inline."""

    day: date
    key: Annotated[str, Meta(description='The id of the key; "open" without one.')]
    classifier: str


class UsageReport(msgspec.Struct, kw_only=True):
    """Usage of some days, newest first, and its sum."""

    usage: list[UsageEntry]
    total: UsageCounts


class LogEntry(msgspec.Struct, kw_only=True):
    """One request."""

    id: int
    at: datetime
    request_id: str
    key: str
    method: str
    route: str
    status: int
    error_code: str
    classifier: str
    labels: int
    text_count: int
    cache_hits: int
    tokens: int
    ms: float
    texts: Annotated[list[str] | None, Meta(description="Only while the setting 'log_texts' is on.")]


class LogPage(msgspec.Struct, kw_only=True):
    """Requests, newest first. `next` is what `before` must be for the page that follows; null on the last."""

    logs: list[LogEntry]
    next: int | None


class Model(msgspec.Struct, kw_only=True):
    """A model that this server runs."""

    id: str
    object: Literal["model"] = "model"
    digest: Annotated[str, Meta(description="Changes when anything that decides a score changes.")]
    kind: str
    precision: str
    window_tokens: Annotated[int, Meta(description="Tokens of text read at once; longer texts are read in windows.")]
    input_modalities: list[str]


class ModelList(msgspec.Struct, kw_only=True):
    """The models, in the shape of OpenAI's list."""

    object: Literal["list"] = "list"
    data: list[Model]
