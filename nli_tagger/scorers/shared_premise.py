"""The scorer of one-way models: the text is read once, every label adds only its own few tokens."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from nli_tagger.runtime import session
from nli_tagger.scorers.base import TokenIds, chunks

_CHUNK_TOKENS = 1024
_WIDTH_STEP = 4


class SharedPremiseScorer:
    """Two graphs: `premise.onnx` reads the text, `hypotheses.onnx` reads hypotheses beside its keys and values.

    window_tokens and hypothesis_tokens count no special tokens; the model sees
    `[CLS] text [SEP] hypothesis [SEP]`.
    """

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, window_tokens: int, hypothesis_tokens: int, threads: int | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self.window_tokens = window_tokens
        self.hypothesis_tokens = hypothesis_tokens
        self._opening, self._closing = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self._premise = session(folder / "premise.onnx", threads)
        self._hypotheses = session(folder / "hypotheses.onnx", threads)
        self._states = [output.name for output in self._premise.get_outputs()]

    def score(self, text: TokenIds, hypotheses: Sequence[TokenIds]) -> np.ndarray:
        """Logits float32 [hypotheses]; see `Scorer.score`."""
        states = self._read(text)
        closed = [np.append(hypothesis, self._closing) for hypothesis in hypotheses]
        logits = np.empty(len(closed), np.float32)
        for width, places in chunks([len(ids) for ids in closed], _CHUNK_TOKENS, _WIDTH_STEP):
            logits[places] = self._score_chunk(states, [closed[place] for place in places], width)
        return logits

    def _read(self, text: TokenIds) -> dict[str, np.ndarray]:
        ids = np.concatenate([[self._opening], np.asarray(text), [self._closing]]).astype(np.int64)
        return dict(zip(self._states, self._premise.run(None, {"input_ids": ids}), strict=True))

    def _score_chunk(self, states: dict[str, np.ndarray], rows: list[np.ndarray], width: int) -> np.ndarray:
        # a product with one row takes another path through ONNX Runtime and rounds differently: score it twice
        doubled = rows * 2 if len(rows) == 1 else rows
        ids = np.zeros((len(doubled), width), np.int64)
        for row, hypothesis in enumerate(doubled):
            ids[row, : len(hypothesis)] = hypothesis
        lengths = np.array([len(row) for row in doubled], np.int64)
        logits: np.ndarray = self._hypotheses.run(["logits"], {"input_ids": ids, "lengths": lengths, **states})[0]
        return logits[: len(rows)]
