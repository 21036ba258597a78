"""GET /v1/models: what is served."""


def test_the_model_is_listed_as_openai_lists_models(server, tagger):
    body = server.client.get("/v1/models").json()
    [model] = body.pop("data")
    assert body == {"object": "list"}
    assert model == {
        "id": tagger.bundle.manifest.name,
        "object": "model",
        "digest": tagger.bundle.digest,
        "kind": tagger.bundle.manifest.kind,
        "precision": tagger.bundle.manifest.precision,
        "window_tokens": tagger.bundle.manifest.window_tokens,
        "input_modalities": ["text"],
    }
    assert model["id"]
    assert model["window_tokens"] > 0


def test_it_is_the_model_that_readiness_is_about(server):
    [model] = server.client.get("/v1/models").json()["data"]
    assert server.client.get("/health/ready").json()["model"] == model["id"]
