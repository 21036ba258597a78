"""Platt scaling finds the scale and bias that made the labels."""

import numpy as np
import pytest

from nli_tagger.aggregation import sigmoid
from training.calibration import best_logit, calibrate, fit
from training.label_sets import labelled_sets


@pytest.mark.parametrize(("scale", "bias"), [(1.0, 0.0), (0.5, -1.0), (2.0, 1.5)])
def test_a_known_distortion_is_undone(scale, bias):
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=2, size=40_000)
    gold = (rng.random(len(logits)) < sigmoid(logits * scale + bias)).astype(float)
    found = fit(logits, gold, np.full(len(logits), 1 / len(logits)))
    assert found.scale == pytest.approx(scale, rel=0.06)
    assert found.bias == pytest.approx(bias, abs=0.08)


def test_sets_weigh_the_same_whatever_their_size():
    logits = np.concatenate([np.zeros(1000), np.zeros(10)])
    gold = np.concatenate([np.ones(1000), np.zeros(10)])
    weights = np.concatenate([np.full(1000, 1 / 1000), np.full(10, 1 / 10)])
    assert fit(logits, gold, weights).bias == pytest.approx(0, abs=0.01)


def test_the_best_threshold_is_found_in_the_mean_over_sets():
    gold = [np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])]
    logits = [np.array([0.5, -0.95, -1.2, -3.0]), np.array([2.0, -1.1, -2.0, -2.0])]
    assert best_logit(logits, gold) == pytest.approx(-1.0, abs=0.1)


def test_the_embedded_model_can_be_calibrated_on_a_data_folder(tagger, data_folder):
    found = calibrate(tagger, labelled_sets(data_folder, most_texts=10))
    assert np.isfinite([found.scale, found.bias]).all()
