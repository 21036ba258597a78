"""Liveness and readiness."""

import pytest


def test_live_answers(server):
    response = server.client.get("/health/live")
    assert (response.status_code, response.json()["status"]) == (200, "ok")


def test_ready_names_the_model(server, tagger):
    response = server.client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "model": tagger.bundle.manifest.name})


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_needs_no_key(serve, path):
    with serve(api_keys=["key"]) as server:
        assert server.client.get(path).status_code == 200


def test_not_ready_while_the_model_fails_and_ready_again_afterwards(serve, broken):
    model = broken(RuntimeError("weights are gone"))
    with serve(tagger=model) as server:
        assert server.client.get("/health/ready").status_code == 503
        model.error = None
        assert server.client.get("/health/ready").status_code == 200


class Panic(BaseException):
    """What native code raises when it breaks: not an `Exception`."""


def test_not_ready_while_native_code_panics(serve, broken):
    with serve(tagger=broken(Panic("weights are gone"))) as server:
        assert server.client.get("/health/ready").status_code == 503


def test_a_failing_model_is_noticed_after_a_good_answer(serve, broken, until):
    model = broken(None)
    with serve(tagger=model) as server:
        assert server.client.get("/health/ready").status_code == 200
        model.error = RuntimeError("weights are gone")
        until(lambda: server.client.get("/health/ready").status_code == 503)


def test_a_failing_model_leaves_the_process_alive(serve, broken):
    with serve(tagger=broken(RuntimeError("weights are gone"))) as server:
        assert server.client.get("/health/ready").status_code == 503
        assert server.client.get("/health/live").status_code == 200


def test_not_ready_says_which_error_without_its_message(serve, broken):
    with serve(tagger=broken(RuntimeError("weights are gone"))) as server:
        status = server.client.get("/health/ready").json()["status"]
    assert "RuntimeError" in status
    assert "weights" not in status
