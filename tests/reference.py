"""Scores as Hugging Face's DebertaV2 computes them when it is given the one-way mask."""

import torch
from torch import Tensor

from training.deberta import OneWayDeberta, one_way_mask


def reference_states(model: OneWayDeberta, premise: list[int], hypothesis: list[int]) -> Tensor:
    """Hidden states [tokens, D] of `[CLS] text [SEP] hypothesis [SEP]`; both lists come with their special tokens."""
    deberta = model.checkpoint.deberta
    ids = torch.tensor([premise + hypothesis])
    types = torch.tensor([[0] * len(premise) + [1] * len(hypothesis)])
    mask = one_way_mask(len(premise), [len(hypothesis)])
    with torch.inference_mode():
        return deberta.encoder(deberta.embeddings(ids, types), mask).last_hidden_state[0]


def reference_logit(model: OneWayDeberta, premise: list[int], hypothesis: list[int]) -> float:
    """The logit read at the hypothesis' closing token."""
    states = reference_states(model, premise, hypothesis)
    with torch.inference_mode():
        pooled = torch.nn.functional.gelu(model.checkpoint.pooler.dense(states[-1]))
        return model.checkpoint.classifier(pooled).item()
