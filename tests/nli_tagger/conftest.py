"""Fixtures of the library's tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tokenizers import Tokenizer

from nli_tagger.bundle import MANIFEST, default_model

# a busy machine is no reason for a property to fail
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def tokenizer(tagger) -> Tokenizer:
    """The embedded model's tokenizer, as scorers use it."""
    return tagger.scorer.tokenizer


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """`make_bundle(kind="other")`: links to the embedded model's files beside a manifest with those values changed."""

    def make(**values: Any) -> Path:
        folder = tmp_path / "bundle"
        folder.mkdir()
        manifest = json.loads((default_model() / MANIFEST).read_text(encoding="utf-8"))
        for name in manifest["files"]:
            (folder / name).symlink_to(default_model() / name)
        (folder / MANIFEST).write_text(json.dumps(manifest | values), encoding="utf-8")
        return folder

    return make
