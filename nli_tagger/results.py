"""What tagging returns; the names are those of Classer's SDKs."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ScoredLabel:
    """A label with its confidence, 0 to 1."""

    label: str
    confidence: float


@dataclass(frozen=True)
class TagResult:
    """The labels above the threshold, highest confidence first. `tokens` counts text and hypotheses."""

    labels: list[ScoredLabel] = field(default_factory=list)
    tokens: int = 0
    latency_ms: float = 0.0


@dataclass(frozen=True)
class ClassifyResult:
    """The one best label; `confidence` is its share among all labels asked."""

    label: str
    confidence: float
    tokens: int = 0
    latency_ms: float = 0.0
