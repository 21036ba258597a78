"""What makes two questions the same question."""

import hashlib

import msgspec

from nli_tagger import LabelSet, __version__
from nli_tagger.hypotheses import TEMPLATE_VERSION


def cache_key(model: str, labels: LabelSet, version: str, text: str) -> str:
    """64 hexadecimal characters: SHA-256 over everything that decides the scores of a text.

    `model` is a bundle's digest, `version` the id of a saved classifier's version ("" for labels sent
    inline). Threshold, priority and the order of the labels are no part of it: they change no score.
    """
    asked = sorted((name.strip(), described) for name, described in zip(labels.names, labels.descriptions, strict=True))
    question = (__version__, TEMPLATE_VERSION, model, version, labels.text_type, asked)
    # hashed apart, so that no text can imitate a question
    parts = (msgspec.json.encode(question), text.encode("utf-8", "surrogatepass"))
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
