"""Fixtures of the routes' tests: a server with keys, and models that are quick or undecided."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from support import RunningServer, running

from nli_tagger import Tagger
from nli_tagger.tagger import Scores
from server.scheduler import Scheduler


@pytest.fixture(scope="module")
def administered(tagger: Tagger, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with keys, whose client is an admin unless it sends another key."""
    keys = {"api_keys": ["tag-key"], "admin_keys": ["admin-key"]}
    with running(tagger, tmp_path_factory.mktemp("data"), **keys) as started:
        started.client.headers["Authorization"] = "Bearer admin-key"
        yield started


class DecidedTagger(Tagger):
    """The embedded model's reading, with the same given logit for every label."""

    def __init__(self, whole: Tagger, logit: float) -> None:
        self.__dict__.update(whole.__dict__)
        self.logit = logit

    def score_steps(self, reading):
        yield from ()
        return Scores(np.full(len(reading.hypotheses), self.logit, np.float32), reading.tokens)


@pytest.fixture
def decided(tagger: Tagger) -> Callable[[float], DecidedTagger]:
    return lambda logit: DecidedTagger(tagger, logit)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The lane of every job that is put in the queue."""
    lanes, run = [], Scheduler.run
    monkeypatch.setattr(Scheduler, "run", lambda self, job, lane: lanes.append(lane) or run(self, job, lane))
    return lanes
