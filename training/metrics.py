"""Quality of scores against gold labels. Arrays: scores and gold [texts, labels]; gold 1, 0, or -1 where it is open."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score, f1_score

_THRESHOLDS = np.linspace(0.02, 0.98, 49)


@dataclass(frozen=True)
class MultiLabel:
    """F1 at 0.5 and at the best single threshold, and mean average precision over the labels that occur."""

    micro_f1: float
    macro_f1: float
    best_threshold: float
    best_micro_f1: float
    mean_average_precision: float


def single_label_f1(scores: np.ndarray, gold: np.ndarray) -> float:
    """Macro-F1 of the highest-scored label, over the labels that occur in gold."""
    wanted, found = gold.argmax(axis=1), scores.argmax(axis=1)
    return float(f1_score(wanted, found, labels=np.unique(wanted), average="macro", zero_division=0))


def multi_label(probabilities: np.ndarray, gold: np.ndarray) -> MultiLabel:
    """All figures of a multi-label set."""
    decided = gold >= 0
    at_each = [_micro_f1(probabilities >= t, gold, decided) for t in _THRESHOLDS]
    best = int(np.argmax(at_each))
    occurring = [i for i in range(gold.shape[1]) if (gold[:, i] == 1).any()]
    chosen = probabilities >= 0.5
    per_label = [_micro_f1(chosen[:, [i]], gold[:, [i]], decided[:, [i]]) for i in occurring]
    precision = [average_precision_score(gold[decided[:, i], i], probabilities[decided[:, i], i]) for i in occurring]
    return MultiLabel(
        micro_f1=_micro_f1(chosen, gold, decided),
        macro_f1=float(np.mean(per_label)),
        best_threshold=float(_THRESHOLDS[best]),
        best_micro_f1=at_each[best],
        mean_average_precision=float(np.mean(precision)),
    )


def expected_calibration_error(probabilities: np.ndarray, gold: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and frequency over equal-width bins, weighted by their size (arXiv:1706.04599)."""
    p, y = probabilities[gold >= 0], gold[gold >= 0]
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[place == b].mean() - y[place == b].mean()) * (place == b).mean() for b in np.unique(place)]
    return float(np.sum(gaps))


def _micro_f1(chosen: np.ndarray, gold: np.ndarray, decided: np.ndarray) -> float:
    right = int((chosen & (gold == 1) & decided).sum())
    total = int((chosen & decided).sum() + (gold == 1).sum())
    return 2 * right / total if total else 0.0
