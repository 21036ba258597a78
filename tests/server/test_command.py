"""`nli-tagger serve` as a process of its own."""

import json
import signal
import socket
from contextlib import closing

import click
import httpx
import pytest
from support import NEWS, NEWS_LABELS

from server.command import _listen

TEN_WINDOWS = "word " * 3_500


def test_it_says_where_it_serves_and_answers_there(start_command):
    with start_command("--port", "0") as serving:
        assert serving.announcement["docs"] == f"{serving.url}/docs"
        assert serving.get("/docs").status_code == 200
        response = serving.tag(text=NEWS, labels=NEWS_LABELS, threshold=0)
        assert len(response.json()["labels"]) == len(NEWS_LABELS)


@pytest.mark.parametrize(("asked", "codes"), [(signal.SIGTERM, {0}), (signal.SIGINT, {0, 130})])
def test_it_stops_when_it_is_asked_to(start_command, asked, codes):
    with start_command("--port", "0") as serving:
        serving.process.send_signal(asked)
        assert serving.process.wait(10) in codes
        assert "Traceback" not in serving.log.text()


def test_it_finishes_the_request_in_flight_before_it_stops(start_command, send):
    with start_command("--port", "0", "--workers", "1") as serving:
        body = json.dumps({"text": TEN_WINDOWS, "labels": NEWS_LABELS, "threshold": 0}).encode()
        with send(serving.url, body) as connection:
            assert serving.tag(text=NEWS, labels=["a"]).status_code == 200  # so the long request has arrived
            serving.process.send_signal(signal.SIGTERM)
            answer = connection.makefile("rb").read()
            serving.process.wait(10)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["labels"]) == len(NEWS_LABELS)


def test_it_says_that_the_port_is_taken(run_command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = run_command("--port", str(port))
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "another --port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_is_taken_from_the_moment_the_first_server_has_it():
    with closing(_listen("127.0.0.1", 0)) as first, pytest.raises(click.ClickException, match="another --port"):
        _listen("127.0.0.1", first.getsockname()[1]).close()


def test_it_says_that_a_model_cannot_be_opened(run_command, tmp_path):
    ended = run_command("--port", "0", "--model", str(tmp_path))
    assert ended.returncode == 1
    assert f"{tmp_path} is not a model bundle" in ended.stderr
    assert "Traceback" not in ended.stderr


def ipv6_works():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not ipv6_works(), reason="this machine has no IPv6")
def test_the_address_it_says_is_a_url_for_ipv6_too(start_command):
    with start_command("--host", "::1", "--port", "0") as serving:
        assert httpx.URL(serving.url).host == "::1"
