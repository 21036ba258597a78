"""Zero-shot text tagging on a CPU.

>>> import nli_tagger
>>> result = nli_tagger.tag("The goalkeeper saved two penalties", labels=["sports", "politics"])
>>> [scored.label for scored in result.labels]
['sports']
"""

from collections.abc import Mapping, Sequence
from functools import cache

from nli_tagger.errors import BundleError, InputError, NliTaggerError, TextTooLongError
from nli_tagger.labels import LabelSet
from nli_tagger.results import ClassifyResult, ScoredLabel, TagResult
from nli_tagger.tagger import DEFAULT_THRESHOLD, Tagger

__version__ = "0.1.0"
__all__ = [
    "BundleError",
    "ClassifyResult",
    "InputError",
    "LabelSet",
    "NliTaggerError",
    "ScoredLabel",
    "TagResult",
    "Tagger",
    "TextTooLongError",
    "classify",
    "tag",
]


@cache
def _tagger() -> Tagger:
    """One tagger over the embedded model for the module functions, opened on first use."""
    return Tagger()


def tag(
    text: str,
    labels: Sequence[str],
    descriptions: Mapping[str, str] | None = None,
    text_type: str | None = None,
    threshold: float = DEFAULT_THRESHOLD,
) -> TagResult:
    """`Tagger.tag` with the embedded model."""
    return _tagger().tag(text, labels, descriptions, text_type, threshold)


def classify(
    text: str,
    labels: Sequence[str],
    descriptions: Mapping[str, str] | None = None,
    text_type: str | None = None,
) -> ClassifyResult:
    """`Tagger.classify` with the embedded model."""
    return _tagger().classify(text, labels, descriptions, text_type)
