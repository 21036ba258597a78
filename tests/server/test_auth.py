"""Who may call."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from litestar import get
from support import NEWS, running

from server import app
from server.settings import ServerSettings

GOOD = {"text": NEWS, "labels": ["technology"]}
KEYS = ["first-key", "second-key"]
ADMIN = {"Authorization": "Bearer admin-key"}
PUBLIC = re.compile(r"/|/health/(live|ready)|/docs(/.*)?|/playground(/.*)?")
"""The only paths that may answer without a key."""


@pytest.fixture(scope="module")
def protected(tagger, tmp_path_factory):
    settings = {"api_keys": KEYS, "admin_keys": ["admin-key"], "max_body_bytes": 10_000}
    with running(tagger, tmp_path_factory.mktemp("data"), **settings) as server:
        yield server


@pytest.fixture
def make_key(protected):
    """`make_key(scopes=[...], ...)` is the header of a new key."""

    def make(**fields):
        made = protected.client.post("/v1/keys", json={"name": "test"} | fields, headers=ADMIN)
        return {"Authorization": f"Bearer {made.json()['key']}"}

    return make


def post(server, authorization=None, **request):
    headers = {"Authorization": authorization} if authorization is not None else {}
    return server.client.post(
        "/v1/tag", **(request or {"json": GOOD}) | {"headers": headers | request.get("headers", {})}
    )


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


# which key may do what

TAGGING = {
    "POST /v1/tag",
    "POST /v1/classify",
    "POST /v1/tag/batch",
    "POST /v1/classify/batch",
    "GET /v1/classifiers",
    "GET /v1/classifiers/x",
    "GET /v1/classifiers/x/versions",
    "GET /v1/models",
}
MANAGING = {
    "POST /v1/classifiers",
    "POST /v1/classifiers/x/versions",
    "DELETE /v1/classifiers/x",
    "PUT /v1/classifiers/x/aliases/x",
    "DELETE /v1/classifiers/x/aliases/x",
    "POST /v1/classifiers/x/aliases/x/rollback",
}
ADMINISTERING = {"GET /v1/keys", "POST /v1/keys", "DELETE /v1/keys/x", "GET /v1/usage", "GET /v1/logs"}


@pytest.fixture(scope="module")
def calls(tagger):
    """Every method of every path of the route table that is not public: "GET /v1/keys"."""
    found = {
        f"{method} {re.sub('{[^}]*}', 'x', route.path)}"
        for route in app.create_app(ServerSettings(), tagger).routes
        for method in getattr(route, "methods", ["GET"])
    }
    return {call for call in found if not PUBLIC.fullmatch(call.split()[1])}


def test_the_route_table_is_the_one_whose_scopes_are_listed_here(calls):
    assert {call for call in calls if not call.startswith("OPTIONS")} == TAGGING | MANAGING | ADMINISTERING


def statuses(server, calls, headers):
    return {call: server.client.request(*call.split(), headers=headers).status_code for call in calls}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}], ids=["no key", "wrong key"])
def test_every_route_wants_a_key_unless_it_is_listed_as_public(protected, calls, headers):
    assert set(statuses(protected, calls, headers).values()) == {401}


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (["tag"], TAGGING),
        (["manage"], TAGGING | MANAGING),
        (["tag", "manage"], TAGGING | MANAGING),
        (["admin"], TAGGING | MANAGING | ADMINISTERING),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_a_key_may_do_what_its_scope_says_and_the_scopes_before_it(protected, make_key, calls, scopes, may):
    found = statuses(protected, calls, make_key(scopes=scopes))
    assert 401 not in found.values()
    assert {call for call, status in found.items() if status != 403 and "OPTIONS" not in call} == may


@pytest.mark.parametrize(("key", "may"), [("first-key", TAGGING), ("admin-key", TAGGING | MANAGING | ADMINISTERING)])
def test_keys_of_the_settings_tag_and_those_for_admins_do_everything(protected, calls, key, may):
    found = statuses(protected, calls, {"Authorization": f"Bearer {key}"})
    assert {call for call, status in found.items() if status != 403 and "OPTIONS" not in call} == may


def test_a_403_names_the_scope_that_is_missing(protected, error_of):
    error = error_of(protected.client.get("/v1/keys", headers={"Authorization": "Bearer first-key"}))
    assert (error["code"], "'admin'" in error["message"]) == ("FORBIDDEN", True)


def test_a_route_that_names_no_scope_is_for_admins(serve, monkeypatch):
    @get("/v1/unnamed")
    async def unnamed() -> str:
        return "for admins"

    monkeypatch.setattr(app, "HANDLERS", [*app.HANDLERS, unnamed])
    with serve(api_keys=["tag-key"], admin_keys=["admin-key"]) as server:
        answers = [
            server.client.get("/v1/unnamed", headers={"Authorization": f"Bearer {key}"})
            for key in ("wrong", "tag-key", "admin-key")
        ]
    assert [answer.status_code for answer in answers] == [401, 403, 200]


# keys that were made


def test_an_expired_key_is_401_and_says_so(protected, make_key, error_of, until):
    end = datetime.now(UTC) + timedelta(seconds=1)
    key = make_key(expires_at=end.isoformat())
    assert post(protected, headers=key, json=GOOD).status_code == 200
    refused = until(lambda: (answer := post(protected, headers=key, json=GOOD)).status_code != 200 and answer)
    assert datetime.now(UTC) >= end
    assert error_of(refused)["code"] == "INVALID_API_KEY"
    assert "expired; ask for a new one" in refused.json()["message"]
    assert refused.headers["www-authenticate"] == "Bearer"


def test_a_deleted_key_is_refused_at_once(protected, make_key):
    key = make_key()
    assert post(protected, headers=key, json=GOOD).status_code == 200
    newest = protected.client.get("/v1/keys", headers=ADMIN).json()["keys"][-1]
    protected.client.delete(f"/v1/keys/{newest['id']}", headers=ADMIN)
    assert post(protected, headers=key, json=GOOD).status_code == 401


# keys that may use some classifiers only

OTHER = {"name": "other", "labels": ["x"]}
LIMITED = [
    ("POST", "/v1/tag", GOOD),
    ("POST", "/v1/classify", GOOD),
    ("POST", "/v1/tag/batch", {"texts": [NEWS], "labels": ["x"]}),
    ("POST", "/v1/classify/batch", {"texts": [NEWS], "labels": ["x"]}),
    ("POST", "/v1/tag", {"text": NEWS, "classifier": "other"}),
    ("POST", "/v1/tag", {"text": NEWS, "classifier": "other@v1"}),
    ("POST", "/v1/tag", {"text": NEWS, "classifier": "unknown"}),
    ("POST", "/v1/classify/batch", {"texts": [NEWS], "classifier": "other"}),
    ("GET", "/v1/classifiers/other", None),
    ("GET", "/v1/classifiers/other@v1", None),
    ("GET", "/v1/classifiers/unknown", None),
    ("GET", "/v1/classifiers/other/versions", None),
    ("POST", "/v1/classifiers", OTHER),
    ("POST", "/v1/classifiers", OTHER | {"name": "unknown"}),
    ("POST", "/v1/classifiers/other/versions", {"labels": ["y"]}),
    ("PUT", "/v1/classifiers/other/aliases/live", {"version": 1}),
    ("POST", "/v1/classifiers/other/aliases/live/rollback", None),
    ("DELETE", "/v1/classifiers/other/aliases/live", None),
    ("DELETE", "/v1/classifiers/other@v1", None),
    ("DELETE", "/v1/classifiers/other", None),
]


@pytest.fixture
def limited(protected, make_key):
    """A key for `own` only, beside which there is `other`."""
    for name in ("own", "other"):
        saved = {"name": name, "labels": ["x"]}
        assert protected.client.post("/v1/classifiers", json=saved, headers=ADMIN).is_success
    return make_key(scopes=["tag", "manage"], classifiers=["own"])


@pytest.mark.parametrize(("method", "path", "body"), LIMITED)
def test_a_key_for_one_classifier_may_not_use_others_and_not_learn_whether_they_exist(
    protected, limited, error_of, method, path, body
):
    response = protected.client.request(method, path, json=body, headers=limited)
    assert (response.status_code, error_of(response)["code"]) == (403, "FORBIDDEN")
    assert response.json()["message"] == "This key may use these classifiers only: own."


@pytest.mark.parametrize("classifier", ["own", "own@v1"])
def test_a_key_for_one_classifier_may_use_it(protected, limited, classifier):
    assert post(protected, headers=limited, json={"text": NEWS, "classifier": classifier}).status_code == 200


def test_a_key_for_one_classifier_sees_and_saves_its_own(protected, limited):
    listed = protected.client.get("/v1/classifiers", headers=limited).json()["classifiers"]
    assert [classifier["name"] for classifier in listed] == ["own"]
    saved = protected.client.post("/v1/classifiers", json={"name": "own", "labels": ["x"]}, headers=limited)
    assert saved.status_code == 200


def test_a_key_for_no_classifier_may_use_none(protected, make_key):
    key = make_key(classifiers=[])
    assert post(protected, headers=key, json=GOOD).json()["message"].endswith("only: none.")
    assert protected.client.get("/v1/classifiers", headers=key).json()["classifiers"] == []


# whether a key is needed at all

ANYTHING = [None, "", "Bearer whatever", "Bearer", "Basic dXNlcjpwYXNz", "whatever"]


@pytest.mark.parametrize("authorization", ANYTHING)
def test_an_open_server_lets_in_whatever_a_client_sends(server, authorization):
    assert post(server, authorization).status_code == 200


def test_auth_off_lets_everybody_in_beside_keys(serve):
    with serve(auth="off", admin_keys=["admin-key"]) as server:
        assert [post(server, authorization).status_code for authorization in ANYTHING] == [200] * len(ANYTHING)
        assert server.client.get("/v1/keys").status_code == 200


def test_auth_required_lets_nobody_in_without_a_key(serve):
    with serve(auth="required") as server:
        assert [post(server, authorization).status_code for authorization in ANYTHING] == [401] * len(ANYTHING)


@pytest.mark.parametrize("settings", [{"api_keys": ["a"]}, {"admin_keys": ["a"]}], ids=str)
def test_auth_auto_asks_for_a_key_when_the_settings_have_one(serve, settings):
    with serve(**settings) as server:
        assert post(server).status_code == 401


def test_auth_auto_is_open_until_the_first_key_is_made(serve):
    with serve() as server:
        assert post(server).status_code == 200
        made = server.client.post("/v1/keys", json={"name": "first", "scopes": ["admin"]}).json()
        assert post(server).status_code == 401
        assert post(server, "Bearer whatever").status_code == 401
        assert post(server, f"Bearer {made['key']}").status_code == 200


def test_auth_auto_stays_closed_when_the_only_key_has_expired(serve, until):
    with serve() as server:
        end = datetime.now(UTC) + timedelta(seconds=0.5)
        server.client.post("/v1/keys", json={"name": "short", "expires_at": end.isoformat()})
        until(lambda: datetime.now(UTC) > end)
        assert post(server).status_code == 401


# other sites' pages in a browser on this machine


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.2:80", "[::1]:8000"])
def test_an_open_server_answers_under_the_names_of_this_machine(server, host):
    assert server.client.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "127.0.0.1.example.com:80", "[", ""])
def test_an_open_server_does_not_answer_under_a_name_that_somebody_may_have_pointed_at_it(server, error_of, host):
    response = server.client.get("/v1/models", headers={"Host": host})
    assert (response.status_code, error_of(response)["code"]) == (403, "FORBIDDEN")
    assert "'nli-tagger keys create'" in response.json()["message"]


def test_with_a_key_or_auth_off_every_name_will_do(protected, serve):
    elsewhere = {"Host": "example.com"}
    assert protected.client.get("/v1/models", headers=ADMIN | elsewhere).status_code == 200
    with serve(auth="off") as server:
        assert server.client.get("/v1/models", headers=elsewhere).status_code == 200


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_page_of_another_site_cannot_move_an_alias_of_an_open_server(serve, media_type):
    rollback = "/v1/classifiers/news/aliases/live/rollback"
    headers = {"Origin": "https://example.com"} | ({"Content-Type": media_type} if media_type else {})
    with serve() as server:
        assert server.client.post(rollback, headers=headers).status_code == 415
        assert server.client.post(rollback).status_code == 404
        assert server.client.post(rollback, headers=headers | {"Content-Type": "application/json"}).status_code == 404
