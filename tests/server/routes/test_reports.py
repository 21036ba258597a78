"""GET /v1/usage and /v1/logs: what was asked, by whom, how often."""

import pytest
from fakes import FakeTagger
from support import RunningServer, running

LABELS = ["a", "b"]
SECRET = "Zebedee"


class Reported(RunningServer):
    """A server on which an admin, a key and nobody have asked something."""

    def usage(self, **query):
        return self.client.get("/v1/usage", params=query).json()

    def logs(self, **query):
        return self.client.get("/v1/logs", params=query).json()

    def ask(self, path, key, **body):
        return self.client.post(path, json=body, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture(scope="module", params=[False, True], ids=["without texts", "with texts"])
def log_texts(request):
    return request.param


@pytest.fixture(scope="module")
def reported(log_texts, tmp_path_factory, until):
    settings = {"api_keys": ["tag-key"], "admin_keys": ["admin-key"], "log_texts": log_texts}
    with running(FakeTagger(), tmp_path_factory.mktemp("data"), **settings) as started:
        server = Reported(started.url, started.client)
        server.client.headers["Authorization"] = "Bearer admin-key"
        ask_something(server)
        until(lambda: server.logs(limit=1000)["logs"][-1:] and server.logs(status=404)["logs"])
        yield server


def ask_something(server):
    for labels in (["x"], ["x", "y"]):
        server.client.post("/v1/classifiers", json={"name": "news", "labels": labels})
    server.client.post("/v1/classifiers", json={"name": "news-2", "labels": ["x"]})
    made = server.client.post("/v1/keys", json={"name": "importer"}).json()
    server.importer, server.importer_id = made["key"], made["id"]
    server.ask("/v1/tag", "tag-key", text=f"{SECRET} one two", labels=LABELS)
    server.ask("/v1/tag", "tag-key", text=f"{SECRET} one two", labels=LABELS)
    server.ask("/v1/classify", "tag-key", text="", labels=LABELS)
    server.ask("/v1/tag", made["key"], text="one two", classifier="news@v1")
    server.ask("/v1/tag/batch", made["key"], texts=["one", "two", "two three", ""], classifier="news")
    server.ask("/v1/classify", made["key"], text="one two", classifier="news-2")
    server.ask("/v1/tag", "wrong-key", text=SECRET, labels=LABELS)
    server.ask("/v1/usage", made["key"])
    server.ask("/v1/tag", made["key"], text="last", classifier="unknown")
