"""Speed with many labels: the shared premise beside one pass per (text, label) pair of the same weights.

    scripts/benchmark [--threads 2] [--repeats 5]

The peer is what zero-shot taggers built on transformers do: `DebertaV2ForSequenceClassification` in
PyTorch over batches of pairs, here with the embedded model's own weights, so that only the way of
computing differs. Both get the same number of threads.
"""

import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import onnxruntime
import torch
import transformers
from rich.console import Console
from rich.table import Table
from transformers import DebertaV2ForSequenceClassification

from nli_tagger import LabelSet, Tagger
from nli_tagger.bundle import default_model
from nli_tagger.runtime import available_cores
from training.deberta import OneWayDeberta

LABELS = (1, 8, 32, 128, 200)
TEXT_TOKENS = (32, 128, 380)
_WORDS = "invoice delivery refund weather election football protein contract guitar hotel vaccine budget".split()


@dataclass(frozen=True)
class Timing:
    """Medians in milliseconds for one size."""

    text_tokens: int
    labels: int
    shared_premise: float
    one_pass_per_pair: float

    @property
    def ratio(self) -> float:
        """How many times as fast the shared premise is."""
        return self.one_pass_per_pair / self.shared_premise


class PairwisePeer:
    """One full pass per pair in batches of 32, in PyTorch, fp32."""

    def __init__(self, tagger: Tagger) -> None:
        loaded = OneWayDeberta.load(default_model() / "checkpoint")
        self.model: DebertaV2ForSequenceClassification = loaded.checkpoint.eval()
        self.tokenizer = tagger.scorer.tokenizer

    @torch.inference_mode()
    def score(self, text: str, labels: LabelSet) -> None:
        """Scores every label against the text."""
        pairs = [(text, hypothesis) for hypothesis in labels.hypotheses]
        for first in range(0, len(pairs), 32):
            encodings = self.tokenizer.encode_batch(pairs[first : first + 32])
            width = max(len(e.ids) for e in encodings)
            self.model(
                input_ids=torch.tensor([e.ids + [0] * (width - len(e.ids)) for e in encodings]),
                attention_mask=torch.tensor([e.attention_mask + [0] * (width - len(e.ids)) for e in encodings]),
                token_type_ids=torch.tensor([e.type_ids + [0] * (width - len(e.ids)) for e in encodings]),
            )


def sample_text(tagger: Tagger, tokens: int) -> str:
    """Words that come to about that many tokens."""
    rng = np.random.default_rng(tokens)
    words: list[str] = []
    while len(tagger.scorer.tokenizer.encode(" ".join(words), add_special_tokens=False).ids) < tokens - 2:
        words.append(str(rng.choice(_WORDS)))
    return " ".join(words)


def sample_labels(count: int) -> LabelSet:
    """Labels of one to three words."""
    pairs = [f"{a} {b}" for a in _WORDS for b in _WORDS if a != b]
    triples = [f"{pair} question" for pair in pairs]
    return LabelSet.of([*_WORDS, *pairs, *triples][:count])


def median_ms(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock time after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def measure(tagger: Tagger, repeats: int) -> list[Timing]:
    """Every size, both ways in turn, so that noise of the machine meets both."""
    peer, timings = PairwisePeer(tagger), []
    for tokens in TEXT_TOKENS:
        text = sample_text(tagger, tokens)
        for count in LABELS:
            labels = sample_labels(count)
            ours = median_ms(lambda text=text, labels=labels: tagger.score(text, labels), repeats)  # type: ignore[misc]
            peers = median_ms(lambda text=text, labels=labels: peer.score(text, labels), max(1, repeats // 2))  # type: ignore[misc]
            timings.append(Timing(tokens, count, round(ours, 2), round(peers, 2)))
    return timings


@click.command()
@click.option("--threads", default=min(2, available_cores()), show_default=True, help="Threads for both.")
@click.option("--repeats", default=5, show_default=True)
@click.option("--json", "report", type=click.Path(path_type=Path), help="Write all figures to this file.")
def main(threads: int, repeats: int, report: Path | None) -> None:
    """Compares the shared premise with one pass per pair."""
    torch.set_num_threads(threads)
    facts = {
        "machine": f"{platform.machine()}, {available_cores()} cores",
        "threads": threads,
        "onnxruntime": onnxruntime.__version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    timings = measure(Tagger(threads=threads), repeats)
    console = Console(width=100)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))
    table = Table("text tokens", "labels", "shared premise, ms", "one pass per pair, ms", "ratio")
    for t in timings:
        table.add_row(
            str(t.text_tokens), str(t.labels), f"{t.shared_premise:.1f}", f"{t.one_pass_per_pair:.1f}", f"{t.ratio:.1f}"
        )
    console.print(table)
    if report:
        report.write_text(json.dumps({"facts": facts, "timings": [asdict(t) for t in timings]}, indent=2) + "\n")


if __name__ == "__main__":
    main()
