"""A client that goes away takes its work with it."""

import json
import threading

import pytest
from support import NEWS

from nli_tagger import Tagger

LABELS = ["technology", "sports"]
LONG = json.dumps({"text": "word " * 50_000, "labels": LABELS}).encode()


class WatchedTagger(Tagger):
    """The embedded model; `started` and `ended` say when the work on a text begins and is over."""

    def __init__(self, whole: Tagger) -> None:
        self.__dict__.update(whole.__dict__)
        self.started, self.ended, self.finished = threading.Event(), threading.Event(), False

    def score_steps(self, reading):
        self.started.set()
        try:
            scores = yield from super().score_steps(reading)
            self.finished = True
            return scores
        finally:
            self.ended.set()


@pytest.fixture
def watched(tagger):
    return WatchedTagger(tagger)


def test_work_stops_when_the_client_goes_away(serve, send, watched):
    with serve(tagger=watched) as server, send(server.url, LONG) as connection:
        assert watched.started.wait(30)
        connection.close()
        assert watched.ended.wait(10)
    assert not watched.finished


def test_the_log_shows_499_for_a_client_that_went_away(serve, send, watched, log, until):
    with serve(tagger=watched) as server, send(server.url, LONG) as connection:
        assert watched.started.wait(30)
        connection.close()
        [line] = until(lambda: log.lines(event="request"))
    assert (line["status"], line["error_code"], line["route"]) == (499, "CLIENT_GONE", "/v1/tag")
    assert log.lines(level="error") == []


def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_failure_of_the_server(serve, send, log, until):
    with serve() as server:
        send(server.url, b'{"text": ', declared_length=1_000).close()
        [line] = until(lambda: log.lines(event="request"))
    assert line["status"] == 499
    assert log.lines(level="error") == []


def test_the_server_goes_on_for_others(serve, send, watched):
    with serve(tagger=watched, workers=1) as server:
        with send(server.url, LONG):
            assert watched.started.wait(30)
        answers = [server.tag(text=NEWS, labels=LABELS).status_code for _ in range(3)]
    assert answers == [200, 200, 200]


def test_a_client_that_waits_gets_its_answer(serve, send):
    body = json.dumps({"text": NEWS, "labels": LABELS, "threshold": 0}).encode()
    with serve() as server, send(server.url, body) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
