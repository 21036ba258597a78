"""The exported graphs against Hugging Face's DebertaV2 under the same mask, and int8 against fp32."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from reference import reference_logit

from nli_tagger.aggregation import sigmoid
from nli_tagger.bundle import Bundle, default_model
from training.deberta import OneWayDeberta
from training.export import export_shared_premise

DATA = Path(os.environ.get("NLI_TAGGER_DATA", Path(__file__).parents[3] / "shared" / "data"))
TEXTS = ["Hello", "Breaking: Tech stocks surge amid AI boom", "The trains were late again, and nobody said why. " * 20]
CLAIMS = [
    "This text is tagged politics.",
    "ok",
    "Is it about gadgets and those who buy them? Yes: phones.",
]


def scorer_of(checkpoint: Path, tokenizer: Path, folder: Path, precision: str):
    export_shared_premise(checkpoint, tokenizer, folder, name="test", precision=precision)
    return Bundle.load(folder).scorer(threads=1)


def ids(scorer, sentence: str) -> list[int]:
    return scorer.tokenizer.encode(sentence, add_special_tokens=False).ids


@pytest.fixture(scope="module")
def embedded_fp32(tokenizer_file, tmp_path_factory):
    """The embedded model's own checkpoint in full precision."""
    folder = tmp_path_factory.mktemp("fp32") / "bundle"
    return scorer_of(default_model() / "checkpoint", tokenizer_file, folder, "fp32")


def assert_parity(model, scorer):
    for text in TEXTS:
        claims = [ids(scorer, claim) for claim in CLAIMS]
        found = scorer.score(ids(scorer, text), claims)
        premise = [101, *ids(scorer, text), 102]
        expected = [reference_logit(model, premise, [*claim, 102]) for claim in claims]
        assert np.abs(found - expected).max() < 1e-4


def test_fp32_graphs_equal_debertav2(small_checkpoint, tokenizer_file, tmp_path):
    model = OneWayDeberta.load(small_checkpoint).eval()
    assert_parity(model, scorer_of(small_checkpoint, tokenizer_file, tmp_path / "bundle", "fp32"))


def test_the_embedded_model_in_fp32_equals_debertav2(embedded_fp32):
    assert_parity(OneWayDeberta.load(default_model() / "checkpoint").eval(), embedded_fp32)


def test_weights_are_stored_once(small_checkpoint, tokenizer_file, tmp_path):
    scorer_of(small_checkpoint, tokenizer_file, tmp_path / "bundle", "fp32")
    stored = (tmp_path / "bundle" / "weights.bin").stat().st_size
    parameters = sum(p.numel() for p in OneWayDeberta.load(small_checkpoint).parameters())
    assert stored < 4.05 * parameters


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_hypothesis_scores_the_same_in_any_company(small_checkpoint, tokenizer_file, tmp_path, precision):
    scorer = scorer_of(small_checkpoint, tokenizer_file, tmp_path / "bundle", precision)
    text = ids(scorer, TEXTS[1])
    claims = [ids(scorer, f"{claim} {number}") for number in range(40) for claim in CLAIMS]
    together = scorer.score(text, claims)
    backwards = scorer.score(text, claims[::-1])[::-1]
    alone = np.concatenate([scorer.score(text, [claim]) for claim in claims])
    assert np.abs(together - backwards).max() < 1e-5
    assert np.abs(together - alone).max() < 1e-5


def test_int8_stays_close_to_fp32_on_dev_pairs(embedded_fp32, tagger):
    if not (DATA / "dev" / "nli.jsonl").exists():
        pytest.skip("needs the development data: set NLI_TAGGER_DATA to its folder")
    pairs = [json.loads(line) for line in (DATA / "dev" / "nli.jsonl").read_text().splitlines()][::31][:500]
    full, small = ([score_pair(s, pair) for pair in pairs] for s in (embedded_fp32, tagger.scorer))
    gold = np.array([pair["label"] == "entailment" for pair in pairs])
    full, small = sigmoid(np.array(full)), sigmoid(np.array(small))
    gap, accuracies = np.abs(full - small).mean(), [((p > 0.5) == gold).mean() for p in (full, small)]
    print(f"\n500 dev pairs: mean |dp| {gap:.4f}; accuracy fp32 {accuracies[0]:.3f}, int8 {accuracies[1]:.3f}")
    assert len(pairs) == 500
    assert gap < 0.02


def score_pair(scorer, pair: dict) -> float:
    return float(scorer.score(ids(scorer, pair["premise"]), [ids(scorer, pair["hypothesis"])])[0])
