"""Shared fixtures: the embedded model, and servers over it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import RunningServer, running

from nli_tagger import Tagger


@pytest.fixture(scope="session")
def tagger() -> Tagger:
    """The embedded model, opened once."""
    return Tagger()


@pytest.fixture(scope="session")
def server(tagger: Tagger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """An open server with the default settings."""
    with running(tagger, tmp_path_factory.mktemp("data")) as started:
        yield started


@pytest.fixture
def serve(tagger: Tagger, tmp_path: Path) -> Callable[..., Any]:
    """`with serve(api_keys=[...], timeout=1.0) as server: ...` for other settings."""
    return lambda **settings: running(settings.pop("tagger", tagger), tmp_path, **settings)
