"""Metrics on cases small enough to work out by hand."""

import numpy as np
import pytest

from training.metrics import expected_calibration_error, multi_label, single_label_f1


def test_single_label_f1_is_one_when_the_best_label_is_right():
    gold = np.eye(3, dtype=np.int8)
    assert single_label_f1(np.eye(3) * 0.2, gold) == 1.0


def test_single_label_f1_averages_over_the_labels_that_occur():
    gold = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]])
    scores = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.1, 0.9, 0.0], [0.1, 0.9, 0.0]])
    assert single_label_f1(scores, gold) == pytest.approx((2 / 3 + 0.8) / 2)


def test_open_labels_count_neither_way():
    gold = np.array([[1, 0, -1], [0, 1, -1]])
    figures = multi_label(np.array([[0.9, 0.1, 0.9], [0.2, 0.8, 0.9]]), gold)
    assert figures.micro_f1 == figures.macro_f1 == figures.mean_average_precision == 1.0


def test_the_best_threshold_is_found():
    gold = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    figures = multi_label(gold * 0.2 + 0.1, gold)
    assert figures.micro_f1 == 0.0
    assert figures.best_micro_f1 == 1.0
    assert 0.1 < figures.best_threshold <= 0.3


def test_calibration_error_is_the_gap_between_confidence_and_frequency():
    gold = np.array([1] * 7 + [0] * 3)
    assert expected_calibration_error(np.full(10, 0.7), gold) == pytest.approx(0)
    assert expected_calibration_error(np.full(10, 0.9), gold) == pytest.approx(0.2)
