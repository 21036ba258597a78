"""What tests share: sample texts, and a real server on a free port."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from nli_tagger import Tagger
from server.app import create_asgi
from server.settings import ServerSettings

NEWS = "Breaking: Tech stocks surge amid AI boom"
NEWS_LABELS = ["politics", "technology", "finance", "sports"]


class RunningServer:
    """A server on loopback; `client` is an httpx client for it."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url, self.client = url, client

    def tag(self, **body: Any) -> httpx.Response:
        return self.client.post("/v1/tag", json=body)


@contextmanager
def running(tagger: Tagger, data_dir: Path, **settings: Any) -> Iterator[RunningServer]:
    """Serves with those settings on a free port until the block ends."""
    config = uvicorn.Config(
        create_asgi(ServerSettings(data_dir=data_dir, **settings), tagger),
        log_config=None,
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        _wait_until(lambda: server.started)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield RunningServer(url, client)
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def _wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
