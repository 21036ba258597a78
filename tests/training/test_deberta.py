"""The one-way model against Hugging Face's own code."""

import pytest
import torch
from reference import reference_states
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertModel, DebertaV2Config, DebertaV2ForSequenceClassification

from training.batches import Encoded, collate
from training.deberta import OneWayDeberta, from_bert, one_way_mask, relative_buckets
from training.embeddings import minilm_folder

TEXTS = ["Breaking: Tech stocks surge amid AI boom", "Hello", "The trains were late again, and nobody said why."]
CLAIMS = ["This text is tagged politics.", "It is about technology and gadgets", "ok"]


@pytest.fixture(scope="module")
def encoded() -> list[Encoded]:
    """Premises and hypotheses of unequal lengths."""
    tokenizer = Tokenizer.from_file(str(minilm_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    claims = [tokenizer.encode(claim).ids[1:] for claim in CLAIMS]
    return [Encoded(tokenizer.encode(text).ids, claims, (True, False, True)) for text in TEXTS]


def test_the_converted_encoder_equals_the_original():
    bert = BertModel.from_pretrained(minilm_folder()).eval()
    converted = from_bert(bert).eval()
    inputs = AutoTokenizer.from_pretrained(minilm_folder())(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        expected = bert(**inputs).last_hidden_state
        found = converted.deberta(**inputs).last_hidden_state
    real = inputs["attention_mask"].bool()
    assert (expected - found)[real].abs().max() < 1e-4


def test_hidden_states_equal_debertav2_under_the_same_mask(small_model, encoded):
    with torch.inference_mode():
        text, claim = small_model.hidden_states(collate(encoded).inputs)
    for row, example in enumerate(encoded):
        size = len(example.premise)
        for column, hypothesis in enumerate(example.hypotheses):
            expected = reference_states(small_model, example.premise, hypothesis)
            assert torch.allclose(expected[:size], text[row, -size:], atol=1e-4)
            assert torch.allclose(expected[size:], claim[row, column, : len(hypothesis)], atol=1e-4)


def test_padding_and_company_do_not_change_a_logit(small_model, encoded):
    with torch.inference_mode():
        together = small_model(collate(encoded).inputs)
        alone = [small_model(collate([example]).inputs)[0] for example in encoded]
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)


def test_hypotheses_laid_out_together_do_not_see_each_other():
    mask = one_way_mask(2, [1, 2])[0]
    assert mask.tolist() == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 1, 1], [1, 1, 0, 1, 1]]


def test_relative_buckets_are_exact_nearby_and_logarithmic_far_away(small_model):
    buckets = relative_buckets(torch.tensor([-500, -3, 0, 3, 500]), small_model.config)
    assert buckets.tolist()[1:4] == [5, 8, 11]
    assert buckets[0] < 2
    assert buckets[4] > 13


def test_a_checkpoint_survives_half_precision(small_model, tmp_path, encoded):
    small_model.save(tmp_path)
    again = OneWayDeberta.load(tmp_path).eval()
    with torch.inference_mode():
        before, after = small_model(collate(encoded).inputs), again(collate(encoded).inputs)
    assert (before - after).abs().max() < 0.05
    assert (tmp_path / "model.safetensors").stat().st_size < 2.1 * sum(p.numel() for p in small_model.parameters())


@pytest.mark.parametrize("change", [{"share_att_key": False}, {"position_buckets": -1}, {"num_labels": 3}])
def test_other_debertas_are_refused_with_the_reason(small_model, change):
    config = DebertaV2Config.from_dict(small_model.config.to_dict())
    config.update(change)
    with pytest.raises(ValueError, match="one-way model needs"):
        OneWayDeberta(DebertaV2ForSequenceClassification(config))


def test_every_trained_weight_gets_a_gradient(small_model, encoded):
    small_model(collate(encoded).inputs).sum().backward()
    missing = [name for name, p in small_model.named_parameters() if p.grad is None]
    small_model.zero_grad()
    assert missing == []
