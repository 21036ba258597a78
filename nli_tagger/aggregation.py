"""Scores of the windows of a long text -> one score per label."""

import math

import numpy as np


def over_windows(logits: np.ndarray) -> np.ndarray:
    """Mean of each label's floor(sqrt(windows)) highest logits: [windows, labels] -> [labels].

    Up to three windows this is the maximum: one passage that fits is enough. Over hundreds of windows one
    chance hit is not.
    """
    count = len(logits)
    kept = math.isqrt(count)
    combined: np.ndarray = np.sort(logits, axis=0)[count - kept :].mean(axis=0)
    return combined


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Shares [labels] that sum to 1."""
    powers: np.ndarray = np.exp(logits.astype(np.float64) - logits.max())
    shares: np.ndarray = powers / powers.sum()
    return shares
