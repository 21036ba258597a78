"""The two terms of the loss, against their definitions."""

import math

import pytest
import torch

from training.losses import entailment_loss, listwise_loss

LOGITS = torch.tensor([[2.0, -1.0, 0.5, 9.0], [0.0, 1.0, -2.0, 3.0]])
TARGETS = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
ASKED = torch.tensor([[True, True, True, False], [True, True, True, True]])


def test_entailment_loss_is_the_weighted_mean_cross_entropy():
    terms = [
        -math.log(1 / (1 + math.exp(-logit if yes else logit)))
        for logit, yes, asked in zip(LOGITS.flatten(), TARGETS.flatten(), ASKED.flatten(), strict=True)
        if asked
    ]
    assert entailment_loss(LOGITS, TARGETS, ASKED.float()).item() == pytest.approx(sum(terms) / len(terms), abs=1e-5)
    first = torch.zeros_like(LOGITS)
    first[0, :2] = torch.tensor([3.0, 1.0])
    assert entailment_loss(LOGITS, TARGETS, first).item() == pytest.approx((3 * terms[0] + terms[1]) / 4, abs=1e-5)


def test_listwise_loss_sets_each_positive_against_the_negatives_alone():
    def term(positive: float) -> float:
        return -math.log(math.exp(positive) / (math.exp(positive) + math.exp(-1.0)))

    expected = (term(2.0) + term(0.5)) / 2
    assert listwise_loss(LOGITS, TARGETS, ASKED).item() == pytest.approx(expected, abs=1e-5)


def test_listwise_loss_ignores_texts_without_both_kinds():
    assert listwise_loss(LOGITS[1:], TARGETS[1:], ASKED[1:]).item() == 0
    assert listwise_loss(LOGITS[1:], 1 - TARGETS[1:], ASKED[1:]).item() == 0


def test_hypotheses_that_are_padding_change_nothing():
    other = LOGITS.clone()
    other[0, 3] = -50.0
    for loss in (entailment_loss, listwise_loss):
        assert loss(LOGITS, TARGETS, ASKED) == loss(other, TARGETS, ASKED)


def test_better_scores_lose_less():
    better = LOGITS + (TARGETS - 0.5)
    for loss in (entailment_loss, listwise_loss):
        assert loss(better, TARGETS, ASKED) < loss(LOGITS, TARGETS, ASKED)
