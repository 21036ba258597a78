"""A tagger without a model: quick, repeatable, and under a test's control."""

import hashlib
import threading
from collections.abc import Generator
from types import SimpleNamespace

import numpy as np

from nli_tagger import InputError, LabelSet, Tagger
from nli_tagger.tagger import Reading, Scores


class FakeTagger(Tagger):
    """`logit(text, label)` makes the scores. `computed` are the texts so far, `most` how many were in work at once.

    A text costs a token a word, a label costs one. Texts wait while `gate` is closed, and fail while `error` is set.
    """

    def __init__(self, digest: str = "fake") -> None:
        self.bundle = SimpleNamespace(digest=digest, manifest=SimpleNamespace(name="fake"))
        self.computed: list[str] = []
        self.working = self.most = 0
        self.error: Exception | None = None
        self.logit = digested
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def read(self, text: str, labels: LabelSet) -> Reading:
        if not text.strip():
            raise InputError("text is empty; send the text to tag.", "text")
        return Reading(text, labels, len(text.split()) + len(labels.names))

    def score_steps(self, reading: Reading) -> Generator[None, None, Scores]:
        self._enter(reading.text)
        try:
            while not self.gate.wait(0.01):
                yield
            if self.error:
                raise self.error
            logits = [self.logit(reading.text, name.strip()) for name in reading.hypotheses.names]
            return Scores(np.array(logits, np.float32), reading.tokens)
        finally:
            self._leave()

    def _enter(self, text: str) -> None:
        with self._lock:
            self.computed.append(text)
            self.working += 1
            self.most = max(self.most, self.working)

    def _leave(self) -> None:
        with self._lock:
            self.working -= 1


def digested(text: str, label: str) -> float:
    """From -2 to 2."""
    digest = hashlib.sha256(f"{label}: {text}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**30 - 2
