"""Long text -> windows: nothing is lost, nothing is too large."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nli_tagger import TextTooLongError
from nli_tagger.windows import TokenisedText, tokenise, windows

SENTENCE = "The goalkeeper saved two penalties, and the crowd cheered. "
LONG_TEXTS = {
    "sentences": SENTENCE * 900,
    "lines": "A short line.\n\n" * 3000,
    "wide gaps": ("word" + " " * 50) * 900,
    "accents": "Crème brûlée à l'œuf, façon grand-mère. " * 1000,
    "decomposed accents": "cafe\u0301 au lait " * 3000,
    "Chinese words": "人工智能 发展 很快 " * 4000,
    "emoji": "good \U0001f600 day \U0001f1e9\U0001f1ea " * 4000,
}

words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12)


@st.composite
def tokenised_texts(draw):
    """A text of tokens with gaps of any width between them; ids are the tokens' places."""
    gaps = np.array(draw(st.lists(st.integers(0, 3), max_size=400)), np.int32)
    ends = np.cumsum(gaps + 2, dtype=np.int32)
    return TokenisedText(np.arange(len(gaps), dtype=np.int32), ends - 2, ends)


sizes = st.integers(1, 60).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


def assert_same_as_at_once(tokenizer, text):
    pieces, whole = tokenise(tokenizer, text), tokenizer.encode(text, add_special_tokens=False)
    np.testing.assert_array_equal(pieces.ids, whole.ids)
    np.testing.assert_array_equal(np.stack([pieces.starts, pieces.ends], axis=1), np.reshape(whole.offsets, (-1, 2)))


@pytest.mark.parametrize("text", LONG_TEXTS.values(), ids=LONG_TEXTS)
def test_reading_piece_by_piece_gives_the_tokens_of_reading_at_once(tokenizer, text):
    assert len(text) > 35_000
    assert_same_as_at_once(tokenizer, text)


@settings(max_examples=40)
@given(st.lists(words, min_size=1, max_size=30), st.sampled_from([" ", "\n", "  ", "\t", "\u00a0"]))
def test_any_words_read_piece_by_piece_are_those_of_reading_at_once(tokenizer, some_words, gap):
    line = gap.join(some_words) + gap
    assert_same_as_at_once(tokenizer, line * (20_000 // len(line) + 1))


def test_a_run_without_white_space_is_read_to_its_end(tokenizer):
    tokens = tokenise(tokenizer, "!" * 50_000)
    assert len(tokens) == 50_000
    assert tokens.ends[-1] == 50_000


def test_an_empty_text_has_no_tokens_and_no_windows(tokenizer):
    tokens = tokenise(tokenizer, "")
    assert len(tokens) == 0
    assert list(windows(tokens, 10, 2)) == []


def test_exactly_as_many_tokens_as_allowed_are_read(tokenizer):
    assert len(tokenise(tokenizer, "word " * 10, most=10)) == 10


@pytest.mark.parametrize("count", [11, 50_000])
def test_more_tokens_than_allowed_are_refused_with_the_limit(tokenizer, count):
    with pytest.raises(TextTooLongError, match=r"text has more than 10 tokens, .* split it") as refused:
        tokenise(tokenizer, "word " * count, most=10)
    assert refused.value.field == "text"


def test_memory_of_tokens_stays_near_their_arrays(tokenizer):
    text = "word " * 400_000
    tracemalloc.start()
    try:
        tokens = tokenise(tokenizer, text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * len(tokens)


@given(tokenised_texts(), sizes)
def test_every_token_is_in_some_window_and_none_is_too_large(text, size_and_overlap):
    size, overlap = size_and_overlap
    found = [window.ids for window in windows(text, size, overlap)]
    assert set(np.concatenate([*found, np.empty(0)])) == set(range(len(text)))
    assert all(0 < len(ids) <= size for ids in found)


@given(tokenised_texts(), sizes)
def test_windows_are_runs_that_share_at_least_the_overlap_and_move_on(text, size_and_overlap):
    size, overlap = size_and_overlap
    found = [window.ids for window in windows(text, size, overlap)]
    assert all(np.all(np.diff(ids) == 1) for ids in found)
    for earlier, later in pairwise(found):
        assert earlier[-1] - later[0] + 1 >= overlap
        assert later[-1] > earlier[-1]


@given(tokenised_texts(), sizes)
def test_the_last_of_several_windows_is_full(text, size_and_overlap):
    size, overlap = size_and_overlap
    *earlier, last = windows(text, size, overlap) if len(text) else [None]
    if earlier:
        assert len(last.ids) == size


@given(tokenised_texts().filter(len), sizes)
def test_windows_cover_the_characters_from_the_first_token_to_the_last(text, size_and_overlap):
    size, overlap = size_and_overlap
    found = list(windows(text, size, overlap))
    assert (found[0].start, found[-1].end) == (text.starts[0], text.ends[-1])
    for window in found:
        assert window.start == text.starts[window.ids[0]]
        assert window.end == text.ends[window.ids[-1]]


def test_windows_of_a_real_text_leave_out_only_white_space(tokenizer):
    text = f"  {SENTENCE * 200}\n"
    found = list(windows(tokenise(tokenizer, text), 100, 0))
    borders = [0, *(place for window in found for place in (window.start, window.end)), len(text)]
    outside = "".join(text[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True))
    assert len(found) > 10
    assert outside.isspace()
