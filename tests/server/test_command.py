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


# whom it lets in

EVERYWHERE = ("--host", "0.0.0.0", "--port", "0")


@pytest.mark.parametrize("arguments", [EVERYWHERE, ("--host", "::", "--port", "0"), ("--auth", "required")])
def test_it_does_not_start_where_nobody_could_be_let_in(run_command, arguments):
    ended = run_command(*arguments)
    assert ended.returncode == 1
    for way_out in ("'nli-tagger keys create NAME --scope admin'", "NLI_TAGGER_ADMIN_KEYS", "NLI_TAGGER_AUTH=off"):
        assert way_out in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("settings", "without", "described"),
    [
        ({"NLI_TAGGER_AUTH": "off"}, 200, "off: everyone"),
        ({"NLI_TAGGER_API_KEYS": "sesame"}, 401, "every request needs"),
        ({"NLI_TAGGER_ADMIN_KEYS": "sesame"}, 401, "every request needs"),
    ],
    ids=str,
)
def test_beyond_loopback_it_starts_with_a_key_or_with_auth_off(start_command, settings, without, described):
    with start_command(*EVERYWHERE, **settings) as serving:
        url = serving.url.replace("0.0.0.0", "127.0.0.1")
        bearer = {"Authorization": "Bearer sesame"}
        answers = [httpx.get(f"{url}/v1/models", headers=headers, trust_env=False) for headers in ({}, bearer)]
        assert [answer.status_code for answer in answers] == [without, 200]
        assert serving.announcement["auth"].startswith(described)
        assert "sesame" not in serving.log.text()


def test_it_says_that_it_is_open_on_loopback(start_command):
    with start_command("--port", "0") as serving:
        assert serving.announcement["auth"] == "open to every program on this machine until there is an API key"
        assert serving.get("/v1/models").status_code == 200


# what it needs beside a model

STORES = {
    "database of another kind": ("database", "mysql://user:sesame@host/x", "must be a URL such as postgresql://"),
    "database that is no URL": ("database", "sesame", "must be a URL such as postgresql://"),
    "database with a port that is none": ("database", "postgresql://u:sesame@host:port/x", "must be a URL"),
    "database that does not answer": ("database", "postgresql://u:sesame@127.0.0.1:1/x", "cannot be used"),
    "database in no folder": ("database", "sqlite:////nowhere/at/all.db", "unable to open database file"),
    "Valkey of another kind": ("valkey", "http://:sesame@host", "must be a URL such as valkey://"),
    "Valkey that is no URL": ("valkey", "sesame", "must be a URL such as valkey://"),
    "Valkey with a port that is none": ("valkey", "valkey://:sesame@host:port/0", "must be a URL such as valkey://"),
    "Valkey with a password that ends the host": ("valkey", "valkey://u:sesame/x@host", "must be a URL"),
}


@pytest.mark.parametrize(("setting", "url", "complaint"), STORES.values(), ids=STORES)
def test_it_says_that_a_store_cannot_be_used_without_its_password(run_command, setting, url, complaint):
    ended = run_command("--port", "0", f"--{setting}", url)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert complaint in ended.stderr
    assert "sesame" not in ended.stderr


def test_it_says_that_the_data_folder_cannot_be_used(run_command, tmp_path):
    (tmp_path / "file").touch()
    ended = run_command("--port", "0", "--data-dir", "file")
    assert ended.returncode == 1
    assert ended.stderr == f"Error: The data folder {tmp_path / 'file'} cannot be used: File exists.\n"


def test_the_data_folder_is_for_its_owner_only(start_command, tmp_path):
    folder = tmp_path / "new" / "data"
    with start_command("--port", "0", "--data-dir", str(folder)):
        assert folder.stat().st_mode & 0o777 == 0o700
