"""Who may call."""

import re

import pytest
from support import NEWS, running

from server.app import create_app
from server.settings import ServerSettings

GOOD = {"text": NEWS, "labels": ["technology"]}
KEYS = ["first-key", "second-key"]
PUBLIC = re.compile(r"/health/(live|ready)|/docs(/.*)?")
"""The only paths that may answer without a key."""


@pytest.fixture(scope="module")
def protected(tagger, tmp_path_factory):
    with running(tagger, tmp_path_factory.mktemp("data"), api_keys=KEYS, max_body_bytes=10_000) as server:
        yield server


def post(server, authorization=None, **request):
    headers = {"Authorization": authorization} if authorization is not None else {}
    return server.client.post(
        "/v1/tag", **(request or {"json": GOOD}) | {"headers": headers | request.get("headers", {})}
    )


def test_without_configured_keys_everybody_may_call(server):
    assert post(server).status_code == 200
    assert post(server, "Bearer whatever").status_code == 200


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_each_configured_key_lets_in(protected, scheme, key):
    assert post(protected, f"{scheme} {key}").status_code == 200


REFUSED = {
    "no header": None,
    "empty header": "",
    "no scheme": "first-key",
    "empty key": "Bearer",
    "wrong scheme": "Basic first-key",
    "wrong key": "Bearer wrong",
    "beginning of a key": "Bearer first",
    "key and more": "Bearer first-key2",
    "both keys": "Bearer first-key,second-key",
    "other case": "Bearer FIRST-KEY",
    "not ASCII, Latin-1": "Bearer schlüssel".encode("latin-1"),
    "not ASCII, UTF-8": "Bearer ключ".encode(),
}


@pytest.mark.parametrize("authorization", REFUSED.values(), ids=REFUSED)
def test_anything_but_a_configured_key_is_401(protected, error_of, authorization):
    response = post(protected, authorization)
    assert (response.status_code, error_of(response)["code"]) == (401, "INVALID_API_KEY")
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_401_without_a_key_says_how_to_send_one(protected):
    assert "'Authorization: Bearer <key>'" in post(protected).json()["message"]


def test_a_401_does_not_repeat_the_key(protected):
    assert "sesame" not in post(protected, "Bearer sesame").text


UNJUDGED = {
    "huge body": {"content": b"[" * 5_000_000, "headers": {"Content-Type": "application/json"}},
    "broken JSON": {"content": b"{", "headers": {"Content-Type": "application/json"}},
    "wrong content type": {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
    "bad field": {"json": GOOD | {"threshold": 7}},
}


@pytest.mark.parametrize("request_", UNJUDGED.values(), ids=UNJUDGED)
def test_the_key_is_judged_before_the_body(protected, request_):
    assert post(protected, "Bearer wrong", **request_).status_code == 401


def test_every_route_wants_a_key_unless_it_is_listed_as_public(protected, tagger):
    calls = [
        (method, re.sub(r"{[^}]*}", "x", route.path))
        for route in create_app(ServerSettings(), tagger).routes
        for method in getattr(route, "methods", ["GET"])
    ]
    open_paths = {path for method, path in calls if protected.client.request(method, path).status_code != 401}
    assert ("POST", "/v1/tag") in calls
    assert [path for path in open_paths if not PUBLIC.fullmatch(path)] == []
    assert "/health/live" in open_paths
