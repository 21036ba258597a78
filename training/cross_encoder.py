"""Any Hugging Face sequence-classification NLI checkpoint -> a cross-encoder bundle, through optimum."""

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoConfig, AutoTokenizer, PretrainedConfig

from nli_tagger.bundle import Manifest, new_bundle, write_manifest
from nli_tagger.errors import NliTaggerError
from nli_tagger.hypotheses import TEMPLATE_VERSION
from nli_tagger.scorers.base import plain_tokenizer
from nli_tagger.scorers.cross_encoder import PairTemplate

MOST_HYPOTHESIS_TOKENS = 128
MOST_POSITIONS = 512


class ExportError(NliTaggerError):
    """The checkpoint cannot become a bundle; the message says why."""


@dataclass(frozen=True)
class NliClasses:
    """Indices of the model's outputs. `contradiction` is None where the model has no such class."""

    entailment: int
    contradiction: int | None


def find_classes(id2label: dict[int, str]) -> NliClasses:
    """Reads the classes' names. Raises `ExportError` when none of them is entailment."""
    names = {int(index): name.strip().lower().replace(" ", "_").replace("-", "_") for index, name in id2label.items()}
    entailed = [index for index, name in names.items() if name in ("entailment", "entail", "entailed")]
    if len(entailed) != 1:
        raise ExportError(
            f"This model is not an NLI model: none of its classes is called 'entailment' ({list(id2label.values())}). "
            "If it is one, name its classes in id2label of its config.json."
        )
    contradicting = [index for index, name in names.items() if name.startswith("contradict")]
    return NliClasses(entailed[0], contradicting[0] if contradicting and len(names) > 2 else None)


def export_cross_encoder(source: str, target: Path, *, quantize: bool = False, replace: bool = False) -> Manifest:
    """Exports a folder or a hub id. Raises `ExportError`; an error leaves no half-written bundle."""
    config, classes = _read_config(source)
    with new_bundle(target, replace=replace) as folder:
        _export_graph(source, folder, quantize)
        template = _write_tokenizer(source, folder)
        positions = min(getattr(config, "max_position_embeddings", MOST_POSITIONS) or MOST_POSITIONS, MOST_POSITIONS)
        manifest = Manifest(
            name=Path(source).name,
            kind="cross-encoder",
            precision="int8" if quantize else "fp32",
            window_tokens=positions - MOST_HYPOTHESIS_TOKENS - template.size,
            hypothesis_tokens=MOST_HYPOTHESIS_TOKENS,
            template_version=TEMPLATE_VERSION,
            entailment=classes.entailment,
            contradiction=classes.contradiction,
            padding=config.pad_token_id or 0,
        )
        if manifest.window_tokens < MOST_HYPOTHESIS_TOKENS:
            raise ExportError(f"The model reads {positions} tokens at most: too few for a text and a hypothesis.")
        write_manifest(folder, manifest, ["model.onnx", "tokenizer.json"])
    return manifest


def _read_config(source: str) -> tuple[PretrainedConfig, NliClasses]:
    try:
        config = AutoConfig.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise ExportError(f"{source} is neither a checkpoint folder nor a model that the hub gave: {error}") from error
    return config, find_classes(config.id2label)


def _export_graph(source: str, folder: Path, quantize: bool) -> None:
    # optimum is imported here: it takes seconds, and errors above should not wait for it
    from optimum.onnxruntime import ORTModelForSequenceClassification, ORTQuantizer
    from optimum.onnxruntime.configuration import AutoQuantizationConfig

    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        model = ORTModelForSequenceClassification.from_pretrained(source, export=True)
        model.save_pretrained(work)
        made = Path(work) / "model.onnx"
        if quantize:
            # weights per channel; activations per tensor and dynamic, as optimum offers it
            config = AutoQuantizationConfig.avx2(is_static=False, per_channel=True)
            with contextlib.chdir(work):
                ORTQuantizer.from_pretrained(work).quantize(save_dir=work, quantization_config=config)
            made = Path(work) / "model_quantized.onnx"
        shutil.move(made, folder / "model.onnx")


def _write_tokenizer(source: str, folder: Path) -> PairTemplate:
    tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True)
    if not tokenizer.is_fast:
        raise ExportError("This model has no fast tokenizer; save one with tokenizer.save_pretrained first.")
    data = tokenizer.backend_tokenizer.to_str()
    (folder / "tokenizer.json").write_text(data, encoding="utf-8")
    return PairTemplate.of(plain_tokenizer(data))
