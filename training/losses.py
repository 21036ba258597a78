"""Binary entailment plus a listwise term over the labels of one text."""

import torch
from torch import Tensor
from torch.nn import functional as F


def entailment_loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the binary cross-entropy; padding has weight 0. All inputs [P, N]."""
    loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss * weights).sum() / weights.sum()


def listwise_loss(logits: Tensor, targets: Tensor, asked: Tensor) -> Tensor:
    """Cross-entropy of each positive against the negatives of its text, mean over texts that have both.

    The softmax loss of RankT5 (arXiv:2210.10634), with several positives: they do not compete
    with each other. Inputs [P, N]; 0 where no text of the batch has both.
    """
    positive, negative = (targets > 0.5) & asked, (targets <= 0.5) & asked
    against = torch.logsumexp(logits.masked_fill(~negative, -1e4), dim=-1, keepdim=True)
    losses = F.softplus(against - logits) * positive
    usable = positive.any(-1) & negative.any(-1)
    per_text = losses.sum(-1) / positive.sum(-1).clamp(min=1)
    return (per_text * usable).sum() / usable.sum().clamp(min=1)
