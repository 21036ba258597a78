"""Fits the scale and bias that turn a model's logits into confidences whose right threshold is 0.5."""

from collections.abc import Iterable

import numpy as np

from nli_tagger import Tagger
from nli_tagger.aggregation import sigmoid
from nli_tagger.bundle import Calibration
from training.label_sets import LabelledSet, score_texts


def calibrate(tagger: Tagger, sets: Iterable[LabelledSet]) -> Calibration:
    """Fits on label sets that the model was not trained on; every set weighs the same, whatever its size.

    Platt scaling gives the scale. The bias then moves the threshold of the best micro-F1, which lies below
    0.5 on calibrated probabilities (arXiv:1402.1892), to 0.5.
    """
    logits, gold, weights = [], [], []
    for labelled in sets:
        decided = labelled.gold >= 0
        scores = score_texts(tagger, labelled)[decided]
        logits.append(scores)
        gold.append(labelled.gold[decided])
        weights.append(np.full(len(scores), 1 / len(scores)))
    fitted = fit(np.concatenate(logits), np.concatenate(gold), np.concatenate(weights))
    best = best_logit([scores * fitted.scale + fitted.bias for scores in logits], gold)
    return Calibration(fitted.scale, round(fitted.bias - best, 4))


def best_logit(logits: list[np.ndarray], gold: list[np.ndarray]) -> float:
    """The threshold, as a logit, of the best micro-F1 in the mean over sets. One array [pairs] a set."""
    candidates = np.linspace(-4, 4, 81)
    return float(candidates[int(np.argmax([_mean_f1(logits, gold, t) for t in candidates]))])


def _mean_f1(logits: list[np.ndarray], gold: list[np.ndarray], threshold: float) -> float:
    return float(np.mean([_f1(scores >= threshold, wanted == 1) for scores, wanted in zip(logits, gold, strict=True)]))


def _f1(chosen: np.ndarray, wanted: np.ndarray) -> float:
    return 2 * float((chosen & wanted).sum()) / max(1, int(chosen.sum() + wanted.sum()))


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
