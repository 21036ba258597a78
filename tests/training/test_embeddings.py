"""Sentence embeddings of all-MiniLM-L6-v2."""

import pytest
import torch

from training.embeddings import SentenceEncoder


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder()


def test_embeddings_have_unit_length_and_keep_the_order(encoder):
    texts = ["a much longer sentence about the weather in spring", "cat", "dogs and cats"]
    together, alone = encoder(texts), torch.cat([encoder([text]) for text in texts])
    assert together.norm(dim=-1) == pytest.approx(1, abs=1e-3)
    assert (together - alone).abs().max() < 0.02


def test_similar_sentences_are_closer(encoder):
    cat, kitten, bank = encoder(["The cat sleeps.", "A kitten is sleeping.", "The bank raised its rates."])
    assert cat @ kitten > cat @ bank + 0.3
