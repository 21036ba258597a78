"""No key and no text in any line of the log, whatever was sent and whatever went wrong."""

import httpx
import pytest

SECRET = "zebra7secret"
ADMIN = f"{SECRET}-admin-key"


@pytest.fixture(scope="module")
def server(start_command):
    with start_command("--port", "0", "--log-level", "debug", "--admin-keys", ADMIN, "--max-body-bytes", "20000") as up:
        yield up


@pytest.fixture(scope="module")
def send(server):
    """Sends a request with the admin's key; more headers may replace it."""

    def sent(method, path, headers=None, **more):
        all_headers = {"Authorization": f"Bearer {ADMIN}"} | (headers or {})
        return httpx.request(method, server.url + path, headers=all_headers, timeout=60, trust_env=False, **more)

    return sent


LABELS = ["billing", f"label {SECRET}"]
EVERYTHING = {
    "text": f"a text with {SECRET}",
    "labels": LABELS,
    "descriptions": {LABELS[1]: f"description {SECRET}"},
    "text_type": f"type {SECRET}",
    SECRET: SECRET,
}
BATCH = {name: value for name, value in EVERYTHING.items() if name != "text"} | {"texts": [f"one {SECRET}", "", "two"]}
REQUESTS = [
    ("POST", "/v1/tag", {"json": EVERYTHING}),
    ("POST", "/v1/classify", {"json": EVERYTHING}),
    ("POST", "/v1/tag/batch", {"json": BATCH}),
    ("POST", "/v1/classify/batch", {"json": BATCH}),
    ("POST", "/v1/tag", {"json": EVERYTHING | {"labels": [SECRET, SECRET]}}),
    ("POST", "/v1/tag", {"json": EVERYTHING | {"text": f"\x07{SECRET}"}}),
    ("POST", "/v1/tag", {"json": EVERYTHING | {"threshold": SECRET}}),
    ("POST", "/v1/tag", {"json": EVERYTHING | {"priority": SECRET}}),
    ("POST", "/v1/tag", {"json": EVERYTHING | {"image": SECRET}}),
    ("POST", "/v1/tag", {"json": {"text": SECRET, "classifier": f"{SECRET}@v1"}}),
    ("POST", "/v1/tag", {"json": {"text": SECRET, "classifier": f"../{SECRET}"}}),
    ("POST", "/v1/tag", {"content": f'{{"text": "{SECRET}', "headers": {"Content-Type": "application/json"}}),
    ("POST", "/v1/tag", {"content": SECRET, "headers": {"Content-Type": f"text/{SECRET}"}}),
    ("POST", "/v1/tag", {"json": EVERYTHING | {"text": SECRET * 5000}}),
    ("POST", f"/v1/{SECRET}", {"json": {}}),
    ("PUT", f"/v1/tag?{SECRET}={SECRET}", {"json": EVERYTHING}),
    ("POST", "/v1/classifiers", {"json": {"name": f"bad {SECRET}", "labels": LABELS}}),
    ("POST", "/v1/classifiers", {"json": {"name": "good", "labels": LABELS, "examples": {LABELS[1]: [SECRET]}}}),
    ("PUT", f"/v1/classifiers/good/aliases/{SECRET}-", {"json": {"version": 1}}),
    ("GET", f"/v1/classifiers/{SECRET}", {}),
    ("DELETE", f"/v1/classifiers/{SECRET}@v9", {}),
    ("POST", "/v1/keys", {"json": {"name": SECRET, "scopes": ["tag"]}}),
    ("POST", "/v1/keys", {"json": {"name": SECRET, "scopes": [SECRET]}}),
    ("DELETE", f"/v1/keys/{SECRET}", {}),
    ("GET", f"/v1/usage?key={SECRET}&from={SECRET}", {}),
    ("GET", f"/v1/logs?classifier={SECRET}", {}),
    ("GET", f"/docs/assets/{SECRET}", {}),
    ("GET", "/health/ready", {"headers": {"X-Request-ID": f"{SECRET} with spaces", "User-Agent": SECRET}}),
    ("GET", "/v1/models", {"headers": {"Authorization": f"Bearer {SECRET}-wrong"}}),
    ("GET", "/v1/models", {"headers": {"Authorization": f"Basic {SECRET}"}}),
]


def test_no_line_of_the_log_holds_what_was_sent(server, send):
    statuses = {send(method, path, **more).status_code for method, path, more in REQUESTS}
    assert {200, 201, 400, 401, 404, 405, 413, 415, 422} <= statuses
    assert not any(status >= 500 for status in statuses)
    written = server.log.text()
    assert written.count('"event": "request"') >= len(REQUESTS)
    assert SECRET not in written


def test_a_new_key_is_in_its_answer_and_nowhere_else(server, send):
    made = send("POST", "/v1/keys", json={"name": "importer", "scopes": ["tag"]}).json()
    key = made["key"]
    answer = send(
        "POST", "/v1/tag", headers={"Authorization": f"Bearer {key}"}, json={"text": "hello", "labels": ["a"]}
    )
    assert answer.status_code == 200
    assert key not in server.log.text()
    assert key not in send("GET", "/v1/keys").text
    assert server.log.lines(key=made["id"])


def test_a_failure_is_logged_without_the_text_in_its_message(serve, broken, log):
    with serve(tagger=broken(RuntimeError(f"cannot read {SECRET}"))) as failing:
        assert failing.tag(text=SECRET, labels=[SECRET]).status_code == 500
    [entry] = log.lines(event="unhandled")
    assert entry["error"] == "RuntimeError"
    assert SECRET not in log.text()
