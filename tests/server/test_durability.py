"""A server that is killed in the middle of its work has kept every write that it acknowledged."""

import random
import threading
import time

import httpx
import pytest
from services import fresh_database

WRITERS = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """The arguments that make servers share a store."""
    arguments = ["--port", "0", "--data-dir", str(tmp_path / "data")]
    if request.param == "postgresql":
        cluster = request.getfixturevalue("postgres_cluster")
        arguments += ["--database", fresh_database(cluster.url)]
    return arguments


class Writer(threading.Thread):
    """Saves classifiers as fast as it can until the server is gone; `acknowledged` are the answers it got."""

    def __init__(self, url, name):
        super().__init__()
        self.url, self.acknowledged = url, []
        self.prefix = name

    def run(self):
        with httpx.Client(base_url=self.url, timeout=10, trust_env=False) as client:
            for number in range(10_000):
                body = {"name": f"{self.prefix}-{number // 3}", "labels": [f"label {number}", "other"]}
                try:
                    answer = client.post("/v1/classifiers", json=body)
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    self.acknowledged.append(answer.json())


def write_until_killed(server, run):
    writers = [Writer(server.url, f"w{run}-{number}") for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(random.uniform(0.4, 1.2))
    server.process.kill()
    for writer in writers:
        writer.join(20)
    return [saved for writer in writers for saved in writer.acknowledged]


def test_every_acknowledged_write_is_there_after_sigkill(start_command, store):
    acknowledged = []
    for run in range(3):
        with start_command(*store) as server:
            acknowledged += write_until_killed(server, run)
    assert len(acknowledged) > 3 * WRITERS
    with start_command(*store) as server:
        kept = [server.get(f"/v1/classifiers/{saved['classifier']}") for saved in acknowledged]
        assert [answer.json() for answer in kept] == acknowledged
        saved = server.get("/v1/classifiers?limit=200").json()["classifiers"]
        assert all(entry["versions"] == list(range(1, len(entry["versions"]) + 1)) for entry in saved)
