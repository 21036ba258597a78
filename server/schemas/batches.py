"""Many texts: /v1/tag/batch and /v1/classify/batch."""

from typing import Annotated

import msgspec

from server.schemas.tagging import AskedLabels, TaggedLabel, Threshold

Meta = msgspec.Meta

MAX_TEXTS = 1000

Error = Annotated[
    str | None, Meta(description="Only where this text could not be read: what is wrong, and what to do.")
]


class ClassifyBatchRequest(AskedLabels, kw_only=True):
    """Texts with the labels to choose from. Computed after the requests of one text."""

    texts: Annotated[list[str] | None, Meta(description=f"1 to {MAX_TEXTS:,} texts.")] = None


class TagBatchRequest(ClassifyBatchRequest, kw_only=True):
    """Texts with the labels to judge. Computed after the requests of one text."""

    threshold: Threshold = None


class ItemCache(msgspec.Struct):
    """Whether an item was computed before."""

    hit: bool


class TaggedItem(msgspec.Struct, omit_defaults=True):
    """The labels that apply to one text; empty beside an `error`."""

    labels: list[TaggedLabel]
    tokens: int
    cache: ItemCache
    error: Error = None


class ClassifiedItem(msgspec.Struct, omit_defaults=True):
    """The label that fits one text best; null beside an `error`."""

    label: str | None
    confidence: float | None
    tokens: int
    cache: ItemCache
    error: Error = None


class TagBatchResponse(msgspec.Struct):
    """One result a text, in the order of the texts."""

    results: list[TaggedItem]
    total_tokens: int
    latency_ms: float


class ClassifyBatchResponse(msgspec.Struct):
    """One result a text, in the order of the texts."""

    results: list[ClassifiedItem]
    total_tokens: int
    latency_ms: float
