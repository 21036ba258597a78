"""The speed comparison: its inputs have the sizes they claim, and both sides do the work."""

import json

import pytest
from click.testing import CliRunner

from training import benchmark
from training.benchmark import PairwisePeer, Timing, main, sample_labels, sample_text


@pytest.mark.parametrize("tokens", benchmark.TEXT_TOKENS)
def test_sample_texts_have_the_tokens_they_claim(tagger, tokens):
    count = len(tagger.scorer.tokenizer.encode(sample_text(tagger, tokens), add_special_tokens=False).ids)
    assert tokens - 2 <= count <= tokens + 2


@pytest.mark.parametrize("count", benchmark.LABELS)
def test_sample_labels_are_distinct(count):
    assert len(sample_labels(count).names) == count


def test_the_peer_reads_every_pair(tagger):
    peer, seen = PairwisePeer(tagger), []
    forward = peer.model.forward
    peer.model.forward = lambda **inputs: seen.append(len(inputs["input_ids"])) or forward(**inputs)
    peer.score("some text", sample_labels(40))
    assert sum(seen) == 40


def test_the_ratio_says_how_many_times_as_fast():
    assert Timing(32, 8, shared_premise=2.0, one_pass_per_pair=10.0).ratio == 5


def test_the_command_reports_every_size(monkeypatch, tmp_path):
    monkeypatch.setattr(benchmark, "LABELS", (1, 4))
    monkeypatch.setattr(benchmark, "TEXT_TOKENS", (16,))
    result = CliRunner().invoke(main, ["--repeats", "1", "--json", str(tmp_path / "r.json")], catch_exceptions=False)
    assert result.exit_code == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert [(t["text_tokens"], t["labels"]) for t in report["timings"]] == [(16, 1), (16, 4)]
    assert report["facts"]["onnxruntime"] in result.output
