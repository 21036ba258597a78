"""Padding and grouping of training examples."""

import random

import pytest
from tokenizers import Tokenizer

from training.batches import Encoded, Encoder, collate, grouped
from training.examples import Example


@pytest.fixture
def encoder(tokenizer_file) -> Encoder:
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Encoder(tokenizer, premise_tokens=16, hypothesis_tokens=8)


def random_examples(count: int) -> list[Encoded]:
    rng = random.Random(0)

    def ids(most: int) -> list[int]:
        return [rng.randrange(1, 99) for _ in range(rng.randrange(1, most))]

    made = [[ids(20) for _ in range(rng.randrange(1, 9))] for _ in range(count)]
    return [Encoded(ids(100), claims, tuple(rng.random() < 0.5 for _ in claims)) for claims in made]


def test_premises_are_padded_on_the_left_and_hypotheses_on_the_right():
    batch = collate([Encoded([7, 8, 9], [[1, 2], [3]], (True, False)), Encoded([5], [[4]], (True,))])
    assert batch.inputs.premise_ids.tolist() == [[7, 8, 9], [0, 0, 5]]
    assert batch.inputs.premise_mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert batch.inputs.hypothesis_ids.tolist() == [[[1, 2], [3, 0]], [[4, 0], [0, 0]]]
    assert batch.targets.tolist() == [[1, 0], [1, 0]]
    assert batch.asked.tolist() == [[True, True], [True, False]]
    assert batch.tokens == 8


def test_doubtful_negatives_weigh_less_and_padding_nothing():
    batch = collate([Encoded([7], [[1], [2]], (True, False), doubt=0.75), Encoded([5], [[4]], (False,))])
    assert batch.weights.tolist() == [[1, 0.25], [1, 0]]


def test_encoding_closes_every_sequence(encoder):
    (encoded,) = encoder([Example("a short text", ("claim one", "two"), (True, False))])
    assert encoded.premise[0] == 101
    assert encoded.premise[-1] == 102
    assert [h[-1] for h in encoded.hypotheses] == [102, 102]
    assert all(101 not in h for h in encoded.hypotheses)


def test_too_long_sequences_keep_their_beginning_and_their_end_mark(encoder):
    (encoded,) = encoder([Example("word " * 100, ("claim " * 100,), (True,))])
    assert len(encoded.premise) == 16
    assert len(encoded.hypotheses[0]) == 8
    assert (encoded.premise[-1], encoded.hypotheses[0][-1]) == (102, 102)


def test_grouping_loses_nothing_and_stays_within_the_budget():
    given = random_examples(500)
    groups = list(grouped(given, token_budget=800, rng=random.Random(1), pool=128))
    assert sorted(id(e) for group in groups for e in group) == sorted(map(id, given))
    for group in groups:
        inputs = collate(group).inputs
        assert len(group) == 1 or inputs.premise_ids.numel() + inputs.hypothesis_ids.numel() <= 800


def test_grouping_by_size_leaves_little_padding():
    batches = [collate(g) for g in grouped(random_examples(2000), token_budget=2000, rng=random.Random(1))]
    padded = sum(b.inputs.premise_ids.numel() + b.inputs.hypothesis_ids.numel() for b in batches)
    assert sum(b.tokens for b in batches) > 0.5 * padded


def test_an_example_larger_than_the_budget_is_a_group_of_its_own():
    large = Encoded([1] * 500, [[1, 2]], (True,))
    assert list(grouped([large, large], token_budget=100, rng=random.Random(1))) == [[large], [large]]
