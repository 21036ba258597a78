"""The interface of a scorer, and what every scorer does with hypotheses."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from tokenizers import Tokenizer

TokenIds = Sequence[int] | np.ndarray


class Scorer(Protocol):
    """Scores hypotheses against one window of text. Implementations are safe to call from several threads."""

    tokenizer: Tokenizer
    window_tokens: int
    """Tokens of text that one call reads, special tokens not counted."""
    hypothesis_tokens: int
    """Tokens that one hypothesis may have, special tokens not counted."""

    def score(self, text: TokenIds, hypotheses: Sequence[TokenIds]) -> np.ndarray:
        """Logits float32 [hypotheses]; P(entailed) = sigmoid(logit). Ids come without special tokens.

        A hypothesis' logit depends on the text and on itself alone: not on the other hypotheses,
        their order or their number.
        """
        ...


def plain_tokenizer(data: str) -> Tokenizer:
    """A tokenizer from the content of `tokenizer.json` that neither truncates nor pads.

    "[SEP]" in a text is read as those five characters: nobody writes the model's own marks.
    """
    tokenizer = Tokenizer.from_str(data)
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def chunks(
    lengths: Sequence[int], most_tokens: int, step: int, widest: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Places of sequences that share a padded width, and that width; at most `most_tokens` padded tokens each.

    The width is the sequence's own length rounded up to a multiple of `step`, whatever its
    neighbours are: the arithmetic on a sequence is then the same in any company. `widest` is the most
    that the model reads.
    """
    widths = -(-np.asarray(lengths) // step) * step
    if widest:
        widths = np.minimum(widths, widest)
    for width in np.unique(widths):
        places = np.flatnonzero(widths == width)
        rows = max(1, most_tokens // int(width))
        for first in range(0, len(places), rows):
            yield int(width), places[first : first + rows]
