"""A checkpoint becomes a bundle in one step or not at all."""

import pytest

from nli_tagger.bundle import Bundle, Calibration
from nli_tagger.errors import BundleError
from training import export
from training.export import export_shared_premise


def test_the_bundle_holds_what_serving_and_fine_tuning_need(small_checkpoint, tokenizer_file, tmp_path):
    export_shared_premise(
        small_checkpoint,
        tokenizer_file,
        tmp_path / "bundle",
        name="small",
        calibration=Calibration(0.5, -1.0),
        recipe={"seed": 1},
        data=["mood"],
        keep_checkpoint=True,
    )
    bundle = Bundle.load(tmp_path / "bundle")
    assert sorted(bundle.manifest.files) == ["hypotheses.onnx", "premise.onnx", "tokenizer.json", "weights.bin"]
    assert bundle.manifest.calibration == Calibration(0.5, -1.0)
    assert (bundle.manifest.recipe, bundle.manifest.data) == ({"seed": 1}, ["mood"])
    assert (bundle.folder / "checkpoint" / "config.json").exists()


def test_a_window_and_a_hypothesis_fill_the_positions_exactly(small_model):
    special_tokens = 3
    used = export.WINDOW_TOKENS + export.HYPOTHESIS_TOKENS + special_tokens
    assert used == small_model.config.max_position_embeddings


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_longest_window_and_hypothesis_can_be_scored(small_checkpoint, tokenizer_file, tmp_path, precision):
    export_shared_premise(small_checkpoint, tokenizer_file, tmp_path / "b", name="small", precision=precision)
    scorer = Bundle.load(tmp_path / "b").scorer(threads=1)
    logits = scorer.score([2000] * scorer.window_tokens, [[3000] * scorer.hypothesis_tokens, [3000]])
    assert logits.shape == (2,)


def test_an_existing_bundle_is_not_overwritten_by_accident(small_checkpoint, tokenizer_file, tmp_path):
    with pytest.raises(BundleError, match="exists already"):
        export_shared_premise(small_checkpoint, tokenizer_file, tmp_path, name="small")


def test_a_failing_export_keeps_the_bundle_that_was_there(small_checkpoint, tokenizer_file, tmp_path, monkeypatch):
    target = tmp_path / "bundle"
    export_shared_premise(small_checkpoint, tokenizer_file, target, name="first")

    def fails(*_):
        raise OSError("disk full")

    monkeypatch.setattr(export, "_write_tokenizer", fails)
    with pytest.raises(OSError, match="disk full"):
        export_shared_premise(small_checkpoint, tokenizer_file, target, name="second", replace=True)
    assert Bundle.load(target).manifest.name == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
