"""Examples -> padded batches of tokens, grouped by size so that little of a batch is padding."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.deberta import Batch
from training.examples import Example


@dataclass
class TrainingBatch:
    """A model batch with its targets.

    targets, asked, weights: [P, N]; asked is False where a hypothesis is padding, weights are those of the
    pairs in the binary loss, 0 for padding.
    """

    inputs: Batch
    targets: Tensor
    asked: Tensor
    weights: Tensor

    @property
    def tokens(self) -> int:
        """Tokens of the batch, padding not counted."""
        return int(self.inputs.premise_mask.sum() + self.inputs.hypothesis_mask.sum())


@dataclass(frozen=True)
class Encoded:
    """An example as token ids: `[CLS] text [SEP]` and, for each hypothesis, `hypothesis [SEP]`."""

    premise: list[int]
    hypotheses: list[list[int]]
    targets: tuple[bool, ...]
    doubt: float = 0.0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Hypotheses, longest hypothesis, premise length."""
        return len(self.hypotheses), max(map(len, self.hypotheses)), len(self.premise)


class Shaped(Protocol):
    """Anything that knows the shape of an encoded example."""

    @property
    def shape(self) -> tuple[int, int, int]: ...


S = TypeVar("S", bound=Shaped)


class Encoder:
    """Tokenises examples. A premise longer than `premise_tokens` keeps its beginning: training only."""

    def __init__(self, tokenizer: Tokenizer, premise_tokens: int = 384, hypothesis_tokens: int = 128) -> None:
        self.tokenizer = tokenizer
        self.premise_tokens = premise_tokens
        self.hypothesis_tokens = hypothesis_tokens
        self.closing = tokenizer.token_to_id("[SEP]")

    def __call__(self, examples: list[Example]) -> list[Encoded]:
        texts = [example.premise for example in examples]
        claims = [claim for example in examples for claim in example.hypotheses]
        premises = iter(self.tokenizer.encode_batch_fast(texts))
        rest = iter(self.tokenizer.encode_batch_fast(claims))
        return [
            Encoded(
                self._close(next(premises).ids, self.premise_tokens),
                [self._close(next(rest).ids[1:], self.hypothesis_tokens) for _ in example.hypotheses],
                example.targets,
                example.doubt,
            )
            for example in examples
        ]

    def _close(self, ids: list[int], limit: int) -> list[int]:
        return ids if len(ids) <= limit else [*ids[: limit - 1], self.closing]


def grouped(examples: Iterable[S], token_budget: int, rng: random.Random, pool: int = 16_384) -> Iterator[list[S]]:
    """Groups of examples of similar shape whose padded size stays under `token_budget`.

    Works on a pool at a time: sort by shape, cut into groups, shuffle the groups.
    """
    waiting: list[S] = []
    for example in examples:
        waiting.append(example)
        if len(waiting) == pool:
            yield from _cut(waiting, token_budget, rng)
            waiting = []
    yield from _cut(waiting, token_budget, rng)


def collate(group: list[Encoded], padding: int = 0) -> TrainingBatch:
    """Pads a group: premises on the left, hypotheses on the right, missing hypotheses as one padding token."""
    count = max(len(e.hypotheses) for e in group)
    width = max(len(h) for e in group for h in e.hypotheses)
    text = max(len(e.premise) for e in group)
    premise_ids = torch.full((len(group), text), padding)
    hypothesis_ids = torch.full((len(group), count, width), padding)
    premise_mask, hypothesis_mask = torch.zeros_like(premise_ids), torch.zeros_like(hypothesis_ids)
    targets, asked = torch.zeros(len(group), count), torch.zeros(len(group), count, dtype=torch.bool)
    for row, example in enumerate(group):
        premise_ids[row, text - len(example.premise) :] = torch.tensor(example.premise)
        premise_mask[row, text - len(example.premise) :] = 1
        targets[row, : len(example.targets)] = torch.tensor(example.targets, dtype=torch.float)
        asked[row, : len(example.targets)] = True
        for column, ids in enumerate(example.hypotheses):
            hypothesis_ids[row, column, : len(ids)] = torch.tensor(ids)
            hypothesis_mask[row, column, : len(ids)] = 1
    doubts = torch.tensor([[example.doubt] for example in group])
    weights = asked * (1 - doubts * (targets == 0))
    return TrainingBatch(Batch(premise_ids, premise_mask, hypothesis_ids, hypothesis_mask), targets, asked, weights)


def _cut(waiting: list[S], token_budget: int, rng: random.Random) -> Iterator[list[S]]:
    waiting.sort(key=lambda e: (e.shape[0], e.shape[1] // 2, e.shape[2]))
    groups: list[list[S]] = []
    group: list[S] = []
    size = (0, 0, 0)
    for example in waiting:
        grown = _larger(size, example.shape)
        if group and (len(group) + 1) * (grown[0] * grown[1] + grown[2]) > token_budget:
            groups.append(group)
            group, grown = [], example.shape
        group.append(example)
        size = grown
    if group:
        groups.append(group)
    rng.shuffle(groups)
    yield from groups


def _larger(a: tuple[int, int, int], b: tuple[int, int, int]) -> tuple[int, int, int]:
    return max(a[0], b[0]), max(a[1], b[1]), max(a[2], b[2])
