"""`Tagger`: a text and labels in, the labels that apply out."""

import math
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from nli_tagger.aggregation import over_windows, sigmoid, softmax
from nli_tagger.bundle import Bundle, default_model
from nli_tagger.errors import InputError
from nli_tagger.labels import LabelSet
from nli_tagger.results import ClassifyResult, ScoredLabel, TagResult
from nli_tagger.strings import check_readable
from nli_tagger.windows import MAX_TEXT_TOKENS, TokenisedText, tokenise, windows

DEFAULT_THRESHOLD = 0.5
WINDOW_OVERLAP = 64
_DECIMALS = 4


@dataclass(frozen=True)
class Scores:
    """Calibrated logits float32 [labels] of one text, and the tokens that were read."""

    logits: np.ndarray
    tokens: int


@dataclass(frozen=True)
class Reading:
    """A text and the hypotheses asked of it as tokens; `tokens` counts both."""

    text: TokenisedText
    hypotheses: list[np.ndarray]
    tokens: int


class Tagger:
    """Tags texts with a model bundle; without one, with the embedded default model.

    Safe to use from several threads. Raises `BundleError` when the bundle cannot be used.
    """

    def __init__(self, model: Path | str | None = None, *, threads: int | None = None) -> None:
        self.bundle = Bundle.load(model or default_model())
        self.scorer = self.bundle.scorer(threads)
        self._encode_labels = lru_cache(maxsize=256)(self._encode_labels_once)

    def tag(
        self,
        text: str,
        labels: Sequence[str],
        descriptions: Mapping[str, str] | None = None,
        text_type: str | None = None,
        threshold: float = DEFAULT_THRESHOLD,
    ) -> TagResult:
        """Every label whose confidence is at least `threshold`, each judged by itself.

        Raises `InputError` on a bad argument; its message says what to do.
        """
        started = time.perf_counter()
        least = check_threshold(threshold)
        label_set = LabelSet.of(labels, descriptions, text_type)
        scores = self.score(text, label_set)
        return TagResult(above(label_set, scores, least), scores.tokens, _since(started))

    def classify(
        self,
        text: str,
        labels: Sequence[str],
        descriptions: Mapping[str, str] | None = None,
        text_type: str | None = None,
    ) -> ClassifyResult:
        """The one label that fits best. Raises `InputError` on a bad argument."""
        started = time.perf_counter()
        label_set = LabelSet.of(labels, descriptions, text_type)
        scores = self.score(text, label_set)
        best = choose(label_set, scores)
        return ClassifyResult(best.label, best.confidence, scores.tokens, _since(started))

    def score(self, text: str, labels: LabelSet) -> Scores:
        """Calibrated logits of all labels; a text longer than one window is read window by window."""
        steps = self.score_steps(self.read(text, labels))
        try:
            while True:
                next(steps)
        except StopIteration as finished:
            scores: Scores = finished.value
            return scores

    def read(self, text: str, labels: LabelSet) -> Reading:
        """Tokenises a text and the labels' hypotheses. Raises `InputError` where either cannot be read."""
        if not check_readable(text, "text").strip():
            raise InputError("text is empty; send the text to tag.", "text")
        claims, claim_tokens = self._encode_labels(labels)
        tokens = tokenise(self.scorer.tokenizer, text, MAX_TEXT_TOKENS)
        return Reading(tokens, claims, len(tokens) + claim_tokens)

    def score_steps(self, reading: Reading) -> Generator[None, None, Scores]:
        """`score`, one window a step: a server runs other work between the windows of a long text."""
        logits: list[np.ndarray] = []
        for window in windows(reading.text, self.scorer.window_tokens, WINDOW_OVERLAP):
            if logits:
                yield
            logits.append(self.scorer.score(window.ids, reading.hypotheses))
        # a text of nothing but characters that the tokenizer drops is read as an empty one
        combined = over_windows(np.stack(logits or [self.scorer.score([], reading.hypotheses)]))
        calibration = self.bundle.manifest.calibration
        return Scores(combined * calibration.scale + calibration.bias, reading.tokens)

    def _encode_labels_once(self, labels: LabelSet) -> tuple[list[np.ndarray], int]:
        encodings = self.scorer.tokenizer.encode_batch(list(labels.hypotheses), add_special_tokens=False)
        for name, encoding in zip(labels.names, encodings, strict=True):
            if len(encoding.ids) > self.scorer.hypothesis_tokens:
                raise InputError(
                    f"The label {name!r} with its description has {len(encoding.ids)} tokens; at most "
                    f"{self.scorer.hypothesis_tokens} can be read. Shorten the description.",
                    "descriptions",
                )
        ids = [np.array(encoding.ids, np.int64) for encoding in encodings]
        return ids, sum(map(len, ids))


def check_threshold(threshold: object) -> float:
    """The threshold as a float. Raises `InputError` unless it is a number from 0 to 1."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise InputError("threshold must be a number from 0 to 1.", "threshold")
    if math.isnan(threshold) or not 0 <= threshold <= 1:
        raise InputError(f"threshold is {threshold}; it must be from 0 to 1.", "threshold")
    return float(threshold)


def above(labels: LabelSet, scores: Scores, threshold: float | Sequence[float]) -> list[ScoredLabel]:
    """Labels whose confidence is at least the threshold (one, or one per label), highest first.

    Equal ones keep the order asked.
    """
    confidences = np.round(sigmoid(scores.logits), _DECIMALS)
    order = np.argsort(-confidences, kind="stable")
    kept = [i for i in order if confidences[i] >= np.broadcast_to(threshold, confidences.shape)[i]]
    return [ScoredLabel(labels.names[i], float(confidences[i])) for i in kept]


def choose(labels: LabelSet, scores: Scores) -> ScoredLabel:
    """The best label with its softmax share; a lone label has its own probability (detection)."""
    shares = softmax(scores.logits) if len(labels.names) > 1 else sigmoid(scores.logits)
    best = int(np.argmax(scores.logits))
    return ScoredLabel(labels.names[best], round(float(shares[best]), _DECIMALS))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
