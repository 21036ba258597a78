"""The API page and the OpenAPI document."""

import json
import re

import msgspec
import pytest
from support import NEWS, NEWS_LABELS

from server.app import create_app
from server.schemas.common import ErrorBody
from server.schemas.tagging import TagResponse
from server.settings import ServerSettings


@pytest.fixture(scope="module")
def page(server):
    response = server.client.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    return response.text


@pytest.fixture(scope="module")
def document(server):
    response = server.client.get("/docs/openapi.json")
    assert response.status_code == 200
    return response.json()


@pytest.fixture(scope="module")
def operations(document):
    return {(method, path): spec for path, item in document["paths"].items() for method, spec in item.items()}


def addresses(page):
    return re.findall(r"""(?:src|href)=["']([^"']*)["']""", page)


def test_the_page_loads_nothing_from_elsewhere(page):
    assert len(addresses(page)) >= 3
    assert [address for address in addresses(page) if not re.match(r"/(?!/)|data:", address)] == []
    assert not re.search(r"https?://", page)


def test_every_file_of_the_page_is_served(server, page):
    for address in addresses(page):
        if address.startswith("/"):
            response = server.client.get(address)
            assert (response.status_code, len(response.content) > 1_000) == (200, True), address


def test_the_styles_load_nothing_from_elsewhere(server):
    assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", server.client.get("/docs/assets/swagger-ui.css").text)


@pytest.mark.parametrize("path", ["../../app.py", "%2e%2e/%2e%2e/app.py", "..%2f..%2fapp.py", "/etc/passwd"])
def test_only_the_files_of_the_page_are_served(server, path):
    assert server.client.get(f"/docs/assets/{path}").status_code == 404


@pytest.mark.parametrize("path", ["/docs", "/docs/openapi.json", "/docs/assets/swagger-ui.css"])
def test_the_docs_need_no_key(serve, path):
    with serve(api_keys=["key"]) as server:
        assert server.client.get(path).status_code == 200


def test_the_page_shows_the_document(page, document):
    assert json.dumps(document["paths"], separators=(",", ":")) in page


def test_the_document_is_openapi_3_1_with_a_title_and_a_version(document):
    assert document["openapi"].startswith("3.1.")
    assert all(document["info"][name] for name in ("title", "version", "description"))


def test_every_route_is_documented_except_the_docs_themselves(document, tagger):
    routes = {route.path for route in create_app(ServerSettings(), tagger).routes}
    pages = {path for path in routes if path == "/" or path.startswith(("/docs", "/playground"))}
    assert set(document["paths"]) == {path.replace(":str}", "}") for path in routes - pages}


def test_every_operation_has_an_id_a_summary_and_described_answers(operations):
    assert len({spec["operationId"] for spec in operations.values()}) == len(operations)
    for spec in operations.values():
        assert spec["summary"]
        assert all(answer["description"] for answer in spec["responses"].values())


def test_every_status_of_tag_is_documented(operations):
    documented = set(operations["post", "/v1/tag"]["responses"])
    assert documented == {"200", "400", "401", "403", "404", "413", "415", "422", "429", "500", "503"}


def test_every_error_is_documented_in_the_shape_of_errors(operations):
    for operation, spec in operations.items():
        for status, answer in spec["responses"].items():
            if status >= "400" and operation != ("get", "/health/ready"):
                assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


def test_the_headers_of_an_answer_are_documented(operations, server):
    sent = {name for name in server.tag(text=NEWS, labels=NEWS_LABELS, cache=False).headers if name.startswith("x-")}
    documented = {name.lower() for name in operations["post", "/v1/tag"]["responses"]["200"]["headers"]}
    assert {"x-cache", "x-cache-key", "x-tokens-used"} <= sent - {"x-request-id"} <= documented


def test_every_reference_leads_somewhere(document):
    references = re.findall(r'"\$ref": "#/components/schemas/([^"]*)"', json.dumps(document))
    assert {"TagRequest", "TagResponse", "ErrorBody"} <= set(references) <= set(document["components"]["schemas"])


def test_every_field_of_the_request_is_described(document):
    fields = document["components"]["schemas"]["TagRequest"]["properties"]
    assert {"text", "labels", "descriptions", "text_type", "threshold", "priority"} <= set(fields)
    assert [name for name, schema in fields.items() if not schema.get("description")] == []


def test_tag_wants_a_bearer_key(document):
    assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert document["security"] == [{"key": []}]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_a_public_operation_is_documented_as_needing_no_key(operations, path):
    assert operations["get", path].get("security") in ([], [{}])


def test_the_document_is_the_same_at_every_start(serve, document):
    with serve() as another:
        assert another.client.get("/docs/openapi.json").json() == document


def test_a_good_answer_is_what_the_document_says(server):
    answer = server.tag(text=NEWS, labels=NEWS_LABELS, threshold=0).content
    assert len(msgspec.json.decode(answer, type=TagResponse).labels) == len(NEWS_LABELS)


def test_an_error_is_what_the_document_says(server):
    assert msgspec.json.decode(server.tag().content, type=ErrorBody).details == {"field": "text"}
