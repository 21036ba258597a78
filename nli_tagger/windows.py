"""Long text -> overlapping windows of tokens. Nothing is cut off; a text over the limit is an error."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from nli_tagger.errors import TextTooLongError

MAX_TEXT_TOKENS = 1_000_000
_PIECE_CHARACTERS = 16_384


@dataclass(frozen=True)
class TokenisedText:
    """The tokens of a text, without special tokens. ids, starts, ends: int32 [tokens]; the latter two in characters."""

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Window:
    """A run of tokens that the model reads at once. `start` and `end` are character positions in the text."""

    ids: np.ndarray
    start: int
    end: int


def tokenise(tokenizer: Tokenizer, text: str, most: int = MAX_TEXT_TOKENS) -> TokenisedText:
    """Tokens of the whole text, read piece by piece so that memory stays near 12 bytes a token.

    Raises `TextTooLongError` as soon as there are more than `most` tokens.
    """
    ids, starts, ends, total = [], [], [], 0
    for offset, piece in _pieces(text):
        encoding = tokenizer.encode(piece, add_special_tokens=False)
        total += len(encoding.ids)
        if total > most:
            raise TextTooLongError(
                f"text has more than {most:,} tokens, the most that one request may have; split it.", "text"
            )
        offsets = np.array(encoding.offsets, np.int32).reshape(-1, 2) + offset
        ids.append(np.array(encoding.ids, np.int32))
        starts.append(offsets[:, 0])
        ends.append(offsets[:, 1])
    return TokenisedText(_joined(ids), _joined(starts), _joined(ends))


def windows(text: TokenisedText, size: int, overlap: int) -> Iterator[Window]:
    """Windows of at most `size` tokens; neighbours share `overlap` tokens, more where the last would be short."""
    count = len(text)
    if count == 0:
        return
    steps = max(1, -(-(count - overlap) // (size - overlap)))
    for step in range(steps):
        first = min(step * (size - overlap), max(0, count - size))
        last = min(first + size, count)
        yield Window(text.ids[first:last], int(text.starts[first]), int(text.ends[last - 1]))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Cuts at white space, where no tokenizer joins; a run without any is cut where it must be."""
    start = 0
    while start < len(text):
        end = min(start + _PIECE_CHARACTERS, len(text))
        if end < len(text):
            end = _last_space(text, start, end) or end
        yield start, text[start:end]
        start = end


def _last_space(text: str, start: int, end: int) -> int | None:
    for position in range(end - 1, max(start, end - 2048), -1):
        if text[position].isspace():
            return position
    return None


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)
