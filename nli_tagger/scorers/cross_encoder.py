"""The scorer of ordinary NLI checkpoints: one pass per (text, hypothesis) pair. Correct for every model, slower."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from nli_tagger.runtime import session
from nli_tagger.scorers.base import TokenIds, chunks

_CHUNK_TOKENS = 4096
_WIDTH_STEP = 8


class CrossEncoderScorer:
    """One graph `model.onnx` made by optimum from a Hugging Face sequence-classification checkpoint.

    The logit is the entailment output minus the contradiction output, as in transformers'
    zero-shot pipeline with `multi_label`; where the model has no contradiction class, minus
    the log-sum-exp of all others.
    """

    def __init__(
        self,
        folder: Path,
        tokenizer: Tokenizer,
        window_tokens: int,
        hypothesis_tokens: int,
        entailment: int,
        contradiction: int | None = None,
        padding: int = 0,
        threads: int | None = None,
        one_by_one: bool = False,
    ) -> None:
        self.tokenizer = tokenizer
        self.window_tokens = window_tokens
        self.hypothesis_tokens = hypothesis_tokens
        self._entailment, self._contradiction, self._padding = entailment, contradiction, padding
        # optimum's int8 takes one range over a whole batch: alone, a pair cannot be moved by its neighbours
        self._chunk_tokens = 0 if one_by_one else _CHUNK_TOKENS
        self._template = PairTemplate.of(tokenizer)
        self._model = session(folder / "model.onnx", threads)
        self._wants_types = "token_type_ids" in {value.name for value in self._model.get_inputs()}

    def score(self, text: TokenIds, hypotheses: Sequence[TokenIds]) -> np.ndarray:
        """Logits float32 [hypotheses]; see `Scorer.score`."""
        pairs = [self._template.join(text, hypothesis) for hypothesis in hypotheses]
        logits = np.empty(len(pairs), np.float32)
        widest = self.window_tokens + self.hypothesis_tokens + self._template.size
        for width, places in chunks([len(ids) for ids, _ in pairs], self._chunk_tokens, _WIDTH_STEP, widest):
            logits[places] = self._binary(self._run([pairs[place] for place in places], width))
        return logits

    def _run(self, rows: list[tuple[np.ndarray, np.ndarray]], width: int) -> np.ndarray:
        ids = np.full((len(rows), width), self._padding, np.int64)
        mask, types = np.zeros_like(ids), np.zeros_like(ids)
        for row, (tokens, kinds) in enumerate(rows):
            ids[row, : len(tokens)], types[row, : len(tokens)], mask[row, : len(tokens)] = tokens, kinds, 1
        feed = {"input_ids": ids, "attention_mask": mask}
        if self._wants_types:
            feed["token_type_ids"] = types
        outputs: np.ndarray = self._model.run(["logits"], feed)[0]
        return outputs

    def _binary(self, outputs: np.ndarray) -> np.ndarray:
        """Class outputs [rows, classes] -> entailment logits [rows]."""
        if self._contradiction is not None:
            against = outputs[:, self._contradiction]
        else:
            against = np.logaddexp.reduce(np.delete(outputs, self._entailment, axis=1), axis=1)
        logits: np.ndarray = outputs[:, self._entailment] - against
        return logits


@dataclass(frozen=True)
class PairTemplate:
    """The special tokens around a text and a hypothesis, read off the tokenizer, with the pair's token types."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    second_type: int

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> "PairTemplate":
        """Encodes a sample pair and looks where the special tokens are."""
        sample = tokenizer.encode("a", "b")
        parts: tuple[list[int], list[int], list[int]] = ([], [], [])
        seen = 0
        for token, sequence in zip(sample.ids, sample.sequence_ids, strict=True):
            if sequence is None:
                parts[seen].append(token)
            else:
                seen = sequence + 1
        second_type = sample.type_ids[sample.sequence_ids.index(1)]
        return cls(tuple(parts[0]), tuple(parts[1]), tuple(parts[2]), second_type)

    @property
    def size(self) -> int:
        """How many special tokens a pair has."""
        return len(self.before) + len(self.between) + len(self.after)

    def join(self, text: TokenIds, hypothesis: TokenIds) -> tuple[np.ndarray, np.ndarray]:
        """Token ids and token types of a pair, int64 [tokens] each."""
        first = np.concatenate([self.before, np.asarray(text), self.between])
        second = np.concatenate([np.asarray(hypothesis), self.after])
        types = np.repeat([0, self.second_type], [len(first), len(second)])
        return np.concatenate([first, second]).astype(np.int64), types.astype(np.int64)
