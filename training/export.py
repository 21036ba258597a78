"""A one-way checkpoint -> a shared-premise bundle, ready to serve."""

import shutil
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from nli_tagger.bundle import Calibration, Manifest, new_bundle, write_manifest
from nli_tagger.hypotheses import TEMPLATE_VERSION
from training.deberta import OneWayDeberta
from training.graphs import ModelGraphs
from training.precision import PRECISIONS

SERVED = ["premise.onnx", "hypotheses.onnx", "weights.bin", "tokenizer.json"]
WINDOW_TOKENS = 382
HYPOTHESIS_TOKENS = 127
"""With `[CLS]` and two `[SEP]`, a window and a hypothesis fill the model's 512 positions."""


def export_shared_premise(
    checkpoint: Path,
    tokenizer: Path,
    target: Path,
    *,
    name: str,
    precision: str = "int8",
    calibration: Calibration | None = None,
    recipe: dict[str, Any] | None = None,
    data: list[str] | None = None,
    card: Path | None = None,
    keep_checkpoint: bool = False,
    replace: bool = False,
) -> None:
    """Writes the bundle in one step. `keep_checkpoint` adds the half-precision weights that fine-tuning starts from."""
    model = OneWayDeberta.load(checkpoint)
    with new_bundle(target, replace=replace) as folder:
        _write_graphs(model, precision, folder)
        _write_tokenizer(tokenizer, folder / "tokenizer.json")
        if card:
            shutil.copy(card, folder / "README.md")
        if keep_checkpoint:
            shutil.copytree(checkpoint, folder / "checkpoint")
        manifest = Manifest(
            name=name,
            kind="shared-premise",
            precision=precision,
            window_tokens=WINDOW_TOKENS,
            hypothesis_tokens=HYPOTHESIS_TOKENS,
            template_version=TEMPLATE_VERSION,
            calibration=calibration or Calibration(),
            recipe=recipe or {},
            data=data or [],
        )
        write_manifest(folder, manifest, SERVED)


def _write_graphs(model: OneWayDeberta, precision: str, folder: Path) -> None:
    graphs = ModelGraphs(model, PRECISIONS[precision])
    graphs.premise().save(folder / "premise.onnx")
    graphs.hypotheses().save(folder / "hypotheses.onnx")
    graphs.weights.write(folder)


def _write_tokenizer(source: Path, target: Path) -> None:
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(target))
