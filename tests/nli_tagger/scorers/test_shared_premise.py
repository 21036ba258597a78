"""The one-way scorer on the embedded model: a hypothesis' logit depends on the text and on itself alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nli_tagger import LabelSet
from nli_tagger.scorers import SharedPremiseScorer

TOPICS = "sports politics finance health travel weather music cooking science law schools energy trains fashion".split()
NAMES = [f"{first} {second}" for first in TOPICS for second in TOPICS]
DESCRIPTIONS = {name: "Everything that has to do with it. " * (place % 9) for place, name in enumerate(NAMES[:24])}
TEXT_WORDS = [1, 200]


@pytest.fixture(scope="module")
def scorer(tagger) -> SharedPremiseScorer:
    return tagger.scorer


@pytest.fixture(scope="module")
def hypotheses(tokenizer):
    """Token ids of 196 hypotheses of very different lengths."""
    sentences = LabelSet.of(NAMES, DESCRIPTIONS).hypotheses
    return [encoding.ids for encoding in tokenizer.encode_batch(list(sentences), add_special_tokens=False)]


@pytest.fixture(scope="module", params=TEXT_WORDS)
def text(request, tokenizer):
    sentence = "The minister resigned after the vote and the markets fell " * 30
    words = sentence.split()[: request.param]
    return tokenizer.encode(" ".join(words), add_special_tokens=False).ids


@pytest.fixture(scope="module")
def together(scorer, text, hypotheses):
    return scorer.score(text, hypotheses)


def test_the_embedded_model_is_scored_by_the_shared_premise_scorer(scorer):
    assert isinstance(scorer, SharedPremiseScorer)


def test_logits_are_one_float_per_hypothesis_and_differ(together, hypotheses):
    assert together.dtype == np.float32
    assert together.shape == (len(hypotheses),)
    assert np.isfinite(together).all()
    assert together.std() > 0.1


def test_a_lone_hypothesis_has_bitwise_the_logit_it_has_among_others(scorer, text, hypotheses, together):
    alone = [scorer.score(text, [hypothesis])[0] for hypothesis in hypotheses[::12]]
    np.testing.assert_array_equal(alone, together[::12])


@pytest.mark.parametrize("count", [2, 3, 5, 30, 130])
def test_the_number_of_hypotheses_does_not_change_a_bit(scorer, text, hypotheses, together, count):
    np.testing.assert_array_equal(scorer.score(text, hypotheses[-count:]), together[-count:])


def test_the_order_of_hypotheses_does_not_change_a_bit(scorer, text, hypotheses, together):
    order = np.random.default_rng(5).permutation(len(hypotheses))
    np.testing.assert_array_equal(scorer.score(text, [hypotheses[place] for place in order]), together[order])


def test_a_repeated_hypothesis_gets_one_logit(scorer, text, hypotheses):
    assert len(set(scorer.score(text, [hypotheses[0]] * 200))) == 1


@settings(max_examples=25)
@given(places=st.lists(st.integers(0, len(NAMES) - 1), min_size=1, max_size=12, unique=True))
def test_any_choice_of_hypotheses_has_bitwise_the_same_logits(scorer, text, hypotheses, together, places):
    chosen = scorer.score(text, [hypotheses[place] for place in places])
    np.testing.assert_array_equal(chosen, together[places])


def test_several_threads_get_bitwise_the_logits_of_one(scorer, text, hypotheses, together):
    with ThreadPoolExecutor(4) as threads:
        scored = list(threads.map(lambda _: scorer.score(text, hypotheses), range(4)))
    np.testing.assert_array_equal(scored, [together] * 4)


def test_the_number_of_cores_does_not_change_a_bit(tagger, text, hypotheses, together):
    one_core = tagger.bundle.scorer(threads=1)
    np.testing.assert_array_equal(one_core.score(text, hypotheses), together)


def test_no_hypotheses_have_no_logits(scorer):
    assert scorer.score([1000], []).shape == (0,)


def test_a_text_without_tokens_is_read(scorer, hypotheses):
    assert np.isfinite(scorer.score([], hypotheses[:3])).all()


def test_a_full_window_with_a_full_hypothesis_fits_the_model(scorer):
    window, hypothesis = [2000] * scorer.window_tokens, [3000] * scorer.hypothesis_tokens
    assert np.isfinite(scorer.score(window, [hypothesis, hypothesis[:5]])).all()


@pytest.mark.parametrize("place", [0, -1])
def test_every_token_of_a_full_hypothesis_is_read(scorer, place):
    hypothesis = np.full(scorer.hypothesis_tokens, 3000)
    changed = hypothesis.copy()
    changed[place] = 4000
    one, other = scorer.score([1000, 2000], [hypothesis, changed])
    assert one != other


@pytest.mark.parametrize("place", [0, -1])
def test_every_token_of_a_full_window_is_read(scorer, hypotheses, place):
    window = np.full(scorer.window_tokens, 2000)
    changed = window.copy()
    changed[place] = 4000
    assert np.any(scorer.score(window, hypotheses[:5]) != scorer.score(changed, hypotheses[:5]))
