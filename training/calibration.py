"""Fits the scale and bias that turn a model's logits into probabilities (Platt scaling)."""

from collections.abc import Iterable

import numpy as np

from nli_tagger import Tagger
from nli_tagger.aggregation import sigmoid
from nli_tagger.bundle import Calibration
from training.label_sets import LabelledSet, score_texts


def calibrate(tagger: Tagger, sets: Iterable[LabelledSet]) -> Calibration:
    """Fits on label sets that the model was not trained on; every set weighs the same, whatever its size."""
    logits, gold, weights = [], [], []
    for labelled in sets:
        decided = labelled.gold >= 0
        scores = score_texts(tagger, labelled)[decided]
        logits.append(scores)
        gold.append(labelled.gold[decided])
        weights.append(np.full(len(scores), 1 / len(scores)))
    return fit(np.concatenate(logits), np.concatenate(gold), np.concatenate(weights))


def fit(logits: np.ndarray, gold: np.ndarray, weights: np.ndarray, steps: int = 50) -> Calibration:
    """Scale and bias of least cross-entropy, by Newton's method. All inputs [pairs]."""
    features = np.stack([logits.astype(np.float64), np.ones(len(logits))], axis=1)
    parameters = np.array([1.0, 0.0])
    for _ in range(steps):
        p = sigmoid(features @ parameters)
        gradient = features.T @ (weights * (p - gold))
        curvature = (features * (weights * p * (1 - p))[:, None]).T @ features
        parameters -= np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
    return Calibration(round(float(parameters[0]), 4), round(float(parameters[1]), 4))
