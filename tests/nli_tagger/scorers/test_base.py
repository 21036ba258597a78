"""What every scorer does with hypotheses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from nli_tagger.bundle import default_model
from nli_tagger.scorers.base import chunks, plain_tokenizer

lengths = st.lists(st.integers(1, 130), max_size=60)
most_tokens = st.integers(0, 2000)
steps = st.sampled_from([1, 4, 8])


@pytest.fixture
def saved_tokenizer():
    return Tokenizer.from_file(str(default_model() / "tokenizer.json"))


@given(lengths, most_tokens, steps)
def test_every_sequence_is_in_exactly_one_chunk(some_lengths, most, step):
    places = [place for _, chunk in chunks(some_lengths, most, step) for place in chunk]
    assert sorted(places) == list(range(len(some_lengths)))


@given(lengths, most_tokens, steps)
def test_the_width_of_a_chunk_depends_on_each_length_alone(some_lengths, most, step):
    for width, chunk in chunks(some_lengths, most, step):
        assert {width} == {-(-some_lengths[place] // step) * step for place in chunk}


@given(lengths, most_tokens, steps)
def test_a_chunk_of_several_sequences_keeps_to_the_token_limit(some_lengths, most, step):
    for width, chunk in chunks(some_lengths, most, step):
        assert len(chunk) == 1 or width * len(chunk) <= most


def test_sequences_of_one_width_share_as_few_chunks_as_fit():
    found = [(width, chunk.tolist()) for width, chunk in chunks([5, 7, 20, 8, 6], 24, 8)]
    assert found == [(8, [0, 1, 3]), (8, [4]), (24, [2])]


def test_a_plain_tokenizer_neither_truncates_nor_pads(saved_tokenizer):
    saved_tokenizer.enable_truncation(4)
    saved_tokenizer.enable_padding(length=16)
    plain = plain_tokenizer(saved_tokenizer.to_str())
    assert len(plain.encode("word " * 9, add_special_tokens=False).ids) == 9
    assert len(plain.encode("word", add_special_tokens=False).ids) == 1


@pytest.mark.parametrize("mark", ["[SEP]", "[CLS]", "[MASK]"])
def test_a_plain_tokenizer_reads_the_marks_of_the_model_as_characters(saved_tokenizer, mark):
    plain = plain_tokenizer(saved_tokenizer.to_str())
    tokens = plain.encode(f"a {mark}", add_special_tokens=False).tokens
    assert mark not in tokens
    assert "".join(tokens).replace("#", "") == f"a{mark.lower()}"


def test_a_plain_tokenizer_still_writes_the_marks_around_a_pair(saved_tokenizer):
    plain = plain_tokenizer(saved_tokenizer.to_str())
    tokens = plain.encode("a", "b").tokens
    np.testing.assert_array_equal(tokens, ["[CLS]", "a", "[SEP]", "b", "[SEP]"])
