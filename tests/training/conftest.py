"""A small one-way checkpoint of the real architecture, and a small data folder of the real format."""

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from training.deberta import OneWayDeberta, from_bert
from training.embeddings import minilm_folder

SCHEMAS = {
    "mood": {
        "text_type": "diary entry",
        "mode": "single",
        "family": "emotion",
        "labels": [{"name": "happy", "description": "glad, cheerful"}, {"name": "sad"}, {"name": "angry"}],
        "views": [[{"name": "joyful mood"}, {"name": "gloomy mood"}, {"name": "furious mood"}]],
    },
    "written/parcel": {
        "text_type": "message to a shop",
        "mode": "multi",
        "family": "tagging",
        "labels": [{"name": name} for name in ("late parcel", "damaged", "refund", "praise", "question")],
    },
}
TEXTS = [
    {"schema": "mood", "text": "What a wonderful morning, the sun is out.", "yes": ["happy"]},
    {"schema": "mood", "text": "I miss her and cannot stop crying.", "yes": ["sad"]},
    {"schema": "mood", "text": "He scratched my car again and laughed!", "yes": ["angry"]},
    {
        "schema": "written/parcel",
        "text": "A week late and crushed. Money back, please.",
        "yes": ["late parcel", "damaged", "refund"],
    },
    {"schema": "written/parcel", "text": "Came early, lovely wrapping.", "yes": ["praise"], "maybe": ["question"]},
    {"schema": "written/parcel", "text": "See you on Monday.", "yes": []},
]
NLI = [
    {"premise": "A dog sleeps.", "hypothesis": "An animal rests.", "label": "entailment"},
    {"premise": "A dog sleeps.", "hypothesis": "A dog runs.", "label": "contradiction"},
    {"premise": "It rained all day.", "hypothesis": "The match was cancelled.", "label": "neutral"},
]


@pytest.fixture(scope="session")
def small_model() -> OneWayDeberta:
    """Two layers, random weights, relative positions and head included."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96
    )
    checkpoint = from_bert(BertModel(config, add_pooling_layer=False), position_buckets=8)
    torch.nn.init.normal_(checkpoint.deberta.encoder.rel_embeddings.weight, std=0.5)
    torch.nn.init.normal_(checkpoint.classifier.weight)
    return OneWayDeberta(checkpoint).eval()


@pytest.fixture(scope="session")
def small_checkpoint(small_model: OneWayDeberta, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small_model` on disk, in half precision."""
    folder = tmp_path_factory.mktemp("checkpoint")
    small_model.save(folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer_file() -> Path:
    return minilm_folder() / "tokenizer.json"


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A data folder with two label sets, six texts and three NLI pairs."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "schemas.json").write_text(json.dumps(SCHEMAS))
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in TEXTS))
    (folder / "nli.jsonl").write_text("".join(json.dumps(row) + "\n" for row in NLI))
    return folder
