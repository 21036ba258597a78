"""GET /v1/usage and /v1/logs: what was asked, by whom, how often."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
from fakes import FakeTagger
from support import running

SECRET = "Zebedee"
TAG_KEY = f"settings-{hashlib.sha256(b'tag-key').hexdigest()[:8]}"
COUNTERS = ("requests", "errors", "texts", "cache_hits", "tokens")
TODAY = datetime.now(UTC).date()
KEYS = {"api_keys": ["tag-key"], "admin_keys": ["admin-key"]}


class Asked:
    """A server, and the answers to what an admin, two keys and nobody have asked of it."""

    def __init__(self, server):
        self.client, self.answers = server.client, []
        self.client.headers["Authorization"] = "Bearer admin-key"
        for name, labels in (("news", ["x"]), ("news", ["x", "y"]), ("news-2", ["x"])):
            self.client.post("/v1/classifiers", json={"name": name, "labels": labels})
        self.importer = self.client.post("/v1/keys", json={"name": "importer"}).json()
        self.ask("tag-key", "/v1/tag", text=f"{SECRET} one two", labels=["a", "b"])
        self.ask("tag-key", "/v1/tag", text=f"{SECRET} one two", labels=["a", "b"])
        self.ask("tag-key", "/v1/classify", text="", labels=["a"])
        key = self.importer["key"]
        self.ask(key, "/v1/tag", text="one two", classifier="news@v1")
        self.ask(key, "/v1/tag/batch", texts=["one", "two", "two three", ""], classifier="news")
        self.ask(key, "/v1/classify", text="one two", classifier="news-2")
        self.ask("wrong-key", "/v1/tag", text=SECRET, labels=["a"])
        self.ask(key, "/v1/keys", name="another")
        self.ask(key, "/v1/tag", text="one", classifier="unknown")

    def ask(self, key, path, **body):
        self.answers.append(self.client.post(path, json=body, headers={"Authorization": f"Bearer {key}"}))

    def get(self, report, **query):
        response = self.client.get(f"/v1/{report}", params=query)
        assert response.status_code == 200
        return response.json()

    def logs(self, **query):
        """Those of `answers`, newest first."""
        ids = {answer.headers["x-request-id"] for answer in self.answers}
        return [entry for entry in self.get("logs", **query)["logs"] if entry["request_id"] in ids]

    def usage(self, **query):
        return {
            (entry["key"], entry["classifier"]): tuple(entry[counter] for counter in COUNTERS)
            for entry in self.get("usage", **query)["usage"]
        }


@pytest.fixture(scope="module")
def asked(tmp_path_factory, until):
    with running(FakeTagger(), tmp_path_factory.mktemp("data"), **KEYS) as server:
        everything = Asked(server)
        until(lambda: len(everything.logs()) == len(everything.answers))
        yield everything


@pytest.fixture(scope="module")
def expected(asked):
    """Requests, errors, texts, cache hits and tokens by key and classifier."""
    importer = asked.importer["id"]
    return {
        (TAG_KEY, ""): (3, 1, 3, 1, 5),
        (importer, ""): (1, 1, 1, 0, 0),
        (importer, "news@v1"): (1, 0, 1, 0, 3),
        (importer, "news@v2"): (1, 0, 4, 0, 10),
        (importer, "news-2@v1"): (1, 0, 1, 0, 3),
    }


# usage


def test_usage_is_counted_by_key_and_version(asked, expected):
    assert asked.usage() == expected
    assert {entry["day"] for entry in asked.get("usage")["usage"]} == {TODAY.isoformat()}


def test_usage_is_added_up(asked, expected):
    total = asked.get("usage")["total"]
    assert tuple(total[counter] for counter in COUNTERS) == tuple(map(sum, zip(*expected.values(), strict=True)))


FILTERS = {
    "news": ["news@v1", "news@v2"],
    "news@v2": ["news@v2"],
    "news-2": ["news-2@v1"],
    "new": [],
    "news@v3": [],
    "v1": [],
    "unknown": [],
    "": [""],
}


@pytest.mark.parametrize(("classifier", "references"), FILTERS.items())
def test_usage_of_one_classifier(asked, expected, classifier, references):
    kept = {at: counts for at, counts in expected.items() if at[1] in references}
    assert asked.usage(classifier=classifier) == kept


def test_usage_of_one_key(asked, expected):
    for key in (TAG_KEY, asked.importer["id"], "open"):
        assert asked.usage(key=key) == {at: counts for at, counts in expected.items() if at[0] == key}


@pytest.mark.parametrize(
    ("days", "is_counted"),
    [
        ({"from": 0}, True),
        ({"from": 0, "to": 0}, True),
        ({"from": -400, "to": 400}, True),
        ({"to": 30}, True),
        ({"to": 31}, False),
        ({"to": -1}, False),
        ({"from": 1, "to": 2}, False),
    ],
)
def test_usage_of_some_days(asked, expected, days, is_counted):
    query = {name: (TODAY + timedelta(days=offset)).isoformat() for name, offset in days.items()}
    assert asked.usage(**query) == (expected if is_counted else {})


@pytest.mark.parametrize("query", [{"to": "0001-01-01"}, {"from": "0001-01-01", "to": "9999-12-31"}], ids=str)
def test_the_first_and_the_last_day_there_is_are_days(asked, query):
    assert asked.get("usage", **query)["total"].keys() == set(COUNTERS)


def test_days_in_the_wrong_order_are_422(asked, error_of):
    response = asked.client.get("/v1/usage", params={"from": "2026-02-01", "to": "2026-01-31"})
    assert (response.status_code, error_of(response)["details"]) == (422, {"field": "from"})
    assert response.json()["message"] == "from is after to; exchange them."


@pytest.mark.parametrize("day", ["today", "2026-13-01", "2026-02-30", "31.01.2026", "1", ""])
@pytest.mark.parametrize(("bound", "field"), [("from", "from_"), ("to", "to")])
def test_what_is_no_day_is_422(asked, error_of, bound, field, day):
    response = asked.client.get("/v1/usage", params={bound: day})
    assert (response.status_code, error_of(response)["details"]) == (422, {"field": field})


# logs


def test_each_request_is_logged_with_its_facts(asked):
    importer = asked.importer["id"]
    facts = ("key", "route", "status", "error_code", "classifier", "labels", "text_count", "cache_hits", "tokens")
    assert [tuple(entry[fact] for fact in facts) for entry in reversed(asked.logs())] == [
        (TAG_KEY, "/v1/tag", 200, "", "", 2, 1, 0, 5),
        (TAG_KEY, "/v1/tag", 200, "", "", 2, 1, 1, 0),
        (TAG_KEY, "/v1/classify", 422, "VALIDATION_ERROR", "", 1, 1, 0, 0),
        (importer, "/v1/tag", 200, "", "news@v1", 1, 1, 0, 3),
        (importer, "/v1/tag/batch", 200, "", "news@v2", 2, 4, 0, 10),
        (importer, "/v1/classify", 200, "", "news-2@v1", 1, 1, 0, 3),
        ("", "/v1/tag", 401, "INVALID_API_KEY", "", 0, 0, 0, 0),
        (importer, "/v1/keys", 403, "FORBIDDEN", "", 0, 0, 0, 0),
        (importer, "/v1/tag", 404, "NOT_FOUND", "", 0, 1, 0, 0),
    ]


def test_a_log_entry_is_found_by_the_request_id_of_its_answer(asked):
    for entry, answer in zip(reversed(asked.logs()), asked.answers, strict=True):
        assert (entry["request_id"], entry["status"]) == (answer.headers["x-request-id"], answer.status_code)
        assert (entry["method"], entry["ms"] > 0) == ("POST", True)
        assert abs(datetime.now(UTC) - datetime.fromisoformat(entry["at"])) < timedelta(minutes=10)


def test_logs_can_be_filtered(asked):
    entries, importer = asked.logs(), asked.importer["id"]
    assert asked.logs(key=importer) == [entry for entry in entries if entry["key"] == importer]
    assert asked.logs(status=422) == [entry for entry in entries if entry["status"] == 422]
    assert [entry["classifier"] for entry in asked.logs(classifier="news")] == ["news@v2", "news@v1"]
    assert [entry["classifier"] for entry in asked.logs(classifier="news-2@v1")] == ["news-2@v1"]
    assert asked.logs(key=importer, status=404, classifier="news") == []


def test_logs_are_paged_from_the_newest_to_the_oldest(asked):
    pages, before = [], {}
    while before is not None:
        page = asked.get("logs", key=asked.importer["id"], limit=2, **before)
        pages.append([entry["route"] for entry in page["logs"]])
        before = {"before": page["next"]} if page["next"] else None
    assert pages == [["/v1/tag", "/v1/keys"], ["/v1/classify", "/v1/tag/batch"], ["/v1/tag"]]


def test_a_last_page_that_is_full_has_no_next(asked):
    page = asked.get("logs", key=asked.importer["id"], limit=5)
    assert (len(page["logs"]), page["next"]) == (5, None)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "before=0", f"before={2**63}", "before=x", "status=99", "status=600"]
)
def test_a_bad_query_is_422_with_its_field(asked, error_of, query):
    response = asked.client.get(f"/v1/logs?{query}")
    assert (response.status_code, error_of(response)["details"]) == (422, {"field": query.partition("=")[0]})


@pytest.mark.parametrize(
    "query", [f"key={'x' * 37}", f"classifier={'x' * 81}", "classifier=news@", "classifier=news%25", "classifier=@v1"]
)
@pytest.mark.parametrize("report", ["usage", "logs"])
def test_what_no_key_and_no_classifier_can_be_called_is_422(asked, error_of, report, query):
    response = asked.client.get(f"/v1/{report}?{query}")
    assert (response.status_code, error_of(response)["details"]) == (422, {"field": query.partition("=")[0]})


# texts


def test_texts_are_not_kept(asked):
    assert [entry["texts"] for entry in asked.logs()] == [None] * len(asked.answers)
    assert SECRET not in asked.client.get("/v1/logs", params={"limit": 1000}).text


def test_no_file_of_the_data_folder_holds_a_text_or_a_key(tmp_path, serve, until):
    with serve(tagger=FakeTagger(), **KEYS) as server:
        everything = Asked(server)
        until(lambda: len(everything.logs()) == len(everything.answers))
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert everything.importer["id"].replace("-", "").encode() in stored or b"importer" in stored
    assert not re.search(f"{SECRET}|{everything.importer['key']}|tag-key|admin-key".encode(), stored)


def test_texts_are_kept_when_the_operator_wants_them(serve, until):
    with serve(tagger=FakeTagger(), log_texts=True, **KEYS) as server:
        everything = Asked(server)
        until(lambda: len(everything.logs()) == len(everything.answers))
        texts = [entry["texts"] for entry in reversed(everything.logs())]
    first = [f"{SECRET} one two"]
    batch = ["one", "two", "two three", ""]
    assert texts == [first, first, [""], ["one two"], batch, ["one two"], None, None, ["one"]]


def test_with_no_days_to_keep_nothing_is_logged_and_usage_is_counted_all_the_same(serve, until, error_of):
    with serve(tagger=FakeTagger(), log_days=0) as server:
        server.tag(text="one two", labels=["a"])
        total = until(lambda: (found := server.client.get("/v1/usage").json()["total"])["requests"] and found)
        assert (total["requests"], total["tokens"]) == (1, 3)
        assert server.client.get("/v1/logs").json() == {"logs": [], "next": None}
