"""Every endpoint against the OpenAPI document, with requests that schemathesis makes up."""

import re
from dataclasses import fields
from typing import cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support import running

from nli_tagger import Tagger
from server.app import create_app
from server.services import Services
from server.settings import ServerSettings

EXAMPLES = 30
OPERATIONS = [
    found.ok()
    for found in schemathesis.openapi.from_dict(
        create_app(ServerSettings(), cast(Tagger, None)).openapi_schema.to_schema()
    ).get_all_operations()
]
ADMIN = {"Authorization": "Bearer root"}
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def protected(tagger, tmp_path_factory):
    with running(tagger, tmp_path_factory.mktemp("data"), admin_keys=["root"]) as server:
        server.client.headers.update(ADMIN)
        server.client.post("/v1/classifiers", json={"name": "news", "labels": ["sports", "finance"]})
        server.client.put("/v1/classifiers/news/aliases/stable", json={"version": 1})
        yield server


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_keeps_the_promises_of_the_document(protected, operation):
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case):
        case.call_and_validate(base_url=protected.url, headers=ADMIN, checks=PROMISES)

    ask()


def test_every_operation_is_tested(protected):
    served = protected.client.get("/docs/openapi.json").json()["paths"]
    assert sorted(o.label for o in OPERATIONS) == sorted(f"{m.upper()} {path}" for path in served for m in served[path])


def test_no_service_is_named_like_a_field_of_a_body():
    """Litestar takes a complaint about such a field for a failure of the server."""
    document = create_app(ServerSettings(), cast(Tagger, None)).openapi_schema.to_schema()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    bodies = re.findall(r"#/components/schemas/(\w+)", str([o.get("requestBody") for o in operations]))
    named = {name for body in bodies for name in document["components"]["schemas"][body]["properties"]}
    assert {field.name for field in fields(Services)} & named == set()
