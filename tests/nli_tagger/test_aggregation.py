"""Scores of windows -> one score per label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nli_tagger.aggregation import over_windows, sigmoid, softmax

logits_of_windows = npst.arrays(
    np.float32, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.floats(-20, 20, width=32)
)
logits_of_labels = npst.arrays(np.float32, st.integers(1, 20), elements=st.floats(-80, 80, width=32))


def test_one_window_keeps_its_scores():
    np.testing.assert_array_equal(over_windows(np.array([[1.5, -2.0]], np.float32)), np.array([1.5, -2.0]))


@pytest.mark.parametrize(("windows", "kept"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 2), (9, 3), (100, 10), (120, 10)])
def test_the_highest_windows_of_each_label_are_averaged(windows, kept):
    one = np.arange(windows, dtype=np.float32)
    combined = over_windows(np.stack([one, -one], axis=1))
    np.testing.assert_allclose(combined, [one[-kept:].mean(), -one[:kept].mean()])


@given(logits_of_windows, st.randoms())
def test_the_order_of_the_windows_does_not_matter(logits, random):
    order = random.sample(range(len(logits)), len(logits))
    np.testing.assert_array_equal(over_windows(logits[order]), over_windows(logits))


@given(logits_of_windows)
def test_the_score_lies_between_the_mean_and_the_maximum(logits):
    combined = over_windows(logits)
    assert np.all(combined <= logits.max(axis=0) + 1e-4)
    assert np.all(combined >= logits.mean(axis=0) - 1e-4)


@given(logits_of_windows)
def test_each_label_is_combined_by_itself(logits):
    alone = np.concatenate([over_windows(logits[:, [label]]) for label in range(logits.shape[1])])
    np.testing.assert_array_equal(alone, over_windows(logits))


def test_sigmoid_is_the_logistic_function_without_overflow():
    values = sigmoid(np.array([-1000, -2, 0, 2, 1000], np.float32))
    np.testing.assert_allclose(values, [0, 1 / (1 + np.exp(2)), 0.5, 1 / (1 + np.exp(-2)), 1], rtol=1e-12)


@given(logits_of_labels)
def test_softmax_shares_sum_to_one_and_keep_the_order(logits):
    shares = softmax(logits)
    assert shares.sum() == pytest.approx(1)
    assert np.all(np.diff(shares[np.argsort(logits)]) >= 0)


def test_softmax_does_not_overflow():
    np.testing.assert_allclose(softmax(np.array([1000, 1000, -1000], np.float32)), [0.5, 0.5, 0])
