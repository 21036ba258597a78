"""Which class is entailment, and what is refused."""

import pytest
from transformers import BertConfig, BertForSequenceClassification

from training.cross_encoder import ExportError, NliClasses, export_cross_encoder, find_classes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({0: "entailment", 1: "neutral", 2: "contradiction"}, NliClasses(0, 2)),
        ({0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}, NliClasses(2, 0)),
        ({0: "entailment", 1: "not_entailment"}, NliClasses(0, None)),
        ({"0": "contradiction", "1": "entailment"}, NliClasses(1, None)),
    ],
)
def test_the_entailment_class_is_found(names, expected):
    assert find_classes(names) == expected


@pytest.mark.parametrize("names", [{0: "LABEL_0", 1: "LABEL_1"}, {0: "positive", 1: "negative"}])
def test_a_model_without_an_entailment_class_is_refused(names):
    with pytest.raises(ExportError, match="none of its classes is called 'entailment'"):
        find_classes(names)


def test_a_sentiment_model_is_refused_and_leaves_nothing_behind(tmp_path):
    config = BertConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, vocab_size=99)
    BertForSequenceClassification(config).save_pretrained(tmp_path / "model")
    with pytest.raises(ExportError, match="not an NLI model"):
        export_cross_encoder(str(tmp_path / "model"), tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ExportError, match="neither a checkpoint folder nor a model"):
        export_cross_encoder(str(tmp_path), tmp_path / "bundle")
