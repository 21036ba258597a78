"""Pictures of an evaluation."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")  # no display is needed to draw into a file
from matplotlib import pyplot as plt

_COLOURS = {"model": "#0b6e63", "baseline": "#b8b4a7"}


def bar_pairs(names: Sequence[str], scores: Sequence[float], baselines: Sequence[float], path: Path) -> None:
    """One pair of bars a set, the widest lead first. `path` decides the format: .svg, .png, .pdf."""
    order = np.argsort(np.asarray(scores) - np.asarray(baselines))
    places = np.arange(len(names))
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.22 * len(names)), layout="constrained")
    axes.barh(places + 0.2, np.asarray(scores)[order], 0.4, label="model", color=_COLOURS["model"])
    axes.barh(places - 0.2, np.asarray(baselines)[order], 0.4, label="all-MiniLM-L6-v2", color=_COLOURS["baseline"])
    axes.set_yticks(places, [names[i] for i in order], fontsize=7)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlim(0, 1)
    axes.set_xlabel("macro-F1 (single-label) or mean average precision (multi-label)")
    axes.legend(loc="lower right")
    figure.savefig(path)
    plt.close(figure)
