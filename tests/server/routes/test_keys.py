"""/v1/keys: make, list and delete API keys."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from support import NEWS

KEYS = "/v1/keys"
TEXT = {"text": NEWS, "labels": ["technology"]}


def make(server, **fields):
    return server.client.post(KEYS, json={"name": "importer"} | fields)


def listed(server):
    return {key["id"]: key for key in server.client.get(KEYS).json()["keys"]}


def tag(server, key, **body):
    return server.client.post("/v1/tag", json=TEXT | body, headers={"Authorization": f"Bearer {key}"})


def test_a_key_is_shown_when_it_is_made_and_never_again(administered):
    response = make(administered)
    made = response.json()
    assert response.status_code == 201
    assert re.fullmatch(r"nlt_[\w-]{43}", made["key"])
    assert tag(administered, made["key"]).status_code == 200
    answer = administered.client.get(KEYS)
    assert made["id"] in answer.text
    assert made["key"] not in answer.text
    assert made["key"][4:20] not in answer.text


def test_the_hint_is_how_the_key_begins(administered):
    made = make(administered).json()
    assert made["key"].startswith(made["hint"])
    assert len(made["hint"]) == 8
    assert listed(administered)[made["id"]]["hint"] == made["hint"]


def test_what_is_not_given_has_its_default(administered):
    made = make(administered).json()
    assert {name: made[name] for name in ("name", "scopes", "classifiers", "expires_at")} == {
        "name": "importer",
        "scopes": ["tag"],
        "classifiers": None,
        "expires_at": None,
    }
    assert [made[limit] for limit in ("requests_per_minute", "tokens_per_minute", "concurrent")] == [None] * 3
    assert abs(datetime.now(UTC) - datetime.fromisoformat(made["created_at"])) < timedelta(minutes=1)


def test_what_is_given_is_kept(administered):
    given = {
        "name": "ticket importer (nächtlich)",
        "scopes": ["manage", "tag"],
        "classifiers": ["news", "tickets"],
        "requests_per_minute": 100_000,
        "tokens_per_minute": 1,
        "concurrent": 256,
        "expires_at": "2099-01-01T02:00:00+02:00",
    }
    made = make(administered, **given).json()
    secret = made.pop("key")
    assert secret.startswith("nlt_")
    assert made == listed(administered)[made["id"]]
    assert given | {"expires_at": "2099-01-01T00:00:00Z"} == {name: made[name] for name in given}


def test_keys_are_listed_oldest_first_and_those_of_the_settings_are_not_among_them(serve):
    with serve(api_keys=["tag-key"], admin_keys=["admin-key"]) as server:
        server.client.headers["Authorization"] = "Bearer admin-key"
        assert listed(server) == {}
        made = [make(server, name=name).json()["id"] for name in ("c", "a", "b")]
        assert list(listed(server)) == made


def test_two_keys_of_one_name_are_two_keys(administered):
    one, other = (make(administered).json() for _ in range(2))
    assert one["key"] != other["key"]
    assert one["id"] != other["id"]


def test_a_deleted_key_is_gone(administered, error_of):
    made, other = make(administered).json(), make(administered).json()
    assert administered.client.delete(f"{KEYS}/{made['id']}").json() == {"deleted": made["id"]}
    assert made["id"] not in listed(administered)
    assert tag(administered, made["key"]).status_code == 401
    assert tag(administered, other["key"]).status_code == 200
    again = administered.client.delete(f"{KEYS}/{made['id']}")
    assert (again.status_code, error_of(again)["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("key_id", [str(uuid4()), "x", "%00", "%ff", "a" * 5_000, "settings-12345678", "größe"])
def test_an_id_that_no_key_has_is_404(administered, error_of, key_id):
    response = administered.client.delete(f"{KEYS}/{key_id}")
    assert (response.status_code, error_of(response)["code"]) == (404, "NOT_FOUND")
    assert "GET /v1/keys" in response.json()["message"]


INVALID = [
    ({"name": ""}, "name", "1 to 100"),
    ({"name": "  "}, "name", "1 to 100"),
    ({"name": "x" * 101}, "name", "1 to 100"),
    ({"name": "a\nb"}, "name", "printable"),
    ({"name": None}, "name", "Expected `string"),
    ({"scopes": []}, "scopes", '"tag", "manage", "admin"'),
    ({"scopes": None}, "scopes", "Expected `array"),
    ({"scopes": "admin"}, "scopes", "Expected `array"),
    ({"scopes": ["root"]}, "scopes[0]", "'root'"),
    ({"scopes": ["tag", "ADMIN"]}, "scopes[1]", "'ADMIN'"),
    ({"classifiers": ["news@v1"]}, "classifiers", "a-z, 0-9"),
    ({"classifiers": "news"}, "classifiers", "Expected `array"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at", "in the future"),
    ({"expires_at": "2099-01-01T00:00:00"}, "expires_at", "offset from UTC"),
    ({"expires_at": "2099-01-01"}, "expires_at", "RFC3339"),
    ({"expires_at": "tomorrow"}, "expires_at", "RFC3339"),
    ({"requests_per_minute": 0}, "requests_per_minute", "1 to 100,000"),
    ({"requests_per_minute": 100_001}, "requests_per_minute", "1 to 100,000"),
    ({"requests_per_minute": True}, "requests_per_minute", "Expected `number"),
    ({"tokens_per_minute": -1}, "tokens_per_minute", "from 1 to"),
    ({"tokens_per_minute": 2**31}, "tokens_per_minute", "from 1 to"),
    ({"tokens_per_minute": 10**30}, "tokens_per_minute", "from 1 to"),
    ({"tokens_per_minute": 1.5}, "tokens_per_minute", "Expected `number"),
    ({"concurrent": 0}, "concurrent", "1 to 256"),
    ({"concurrent": 257}, "concurrent", "1 to 256"),
]


@pytest.mark.parametrize(("fields", "field", "advice"), INVALID, ids=[f"{row[0]}"[:60] for row in INVALID])
def test_what_is_wrong_with_a_key_is_422_with_its_field_and_makes_none(administered, error_of, fields, field, advice):
    before = listed(administered)
    response = make(administered, **fields)
    error = error_of(response)
    assert (response.status_code, error["details"]) == (422, {"field": field})
    assert advice in error["message"]
    assert listed(administered) == before


def test_the_limits_of_a_key_are_its_own(administered, error_of):
    limited, other = make(administered, requests_per_minute=1).json(), make(administered).json()
    first = tag(administered, limited["key"], cache=False)
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    refused = tag(administered, limited["key"], cache=False)
    assert (refused.status_code, error_of(refused)["code"]) == (429, "RATE_LIMITED")
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert tag(administered, other["key"], cache=False).status_code == 200


def test_more_tokens_than_a_key_may_ever_use_in_a_minute_are_422(administered, error_of):
    made = make(administered, tokens_per_minute=1).json()
    response = tag(administered, made["key"], cache=False)
    assert (response.status_code, error_of(response)["code"]) == (422, "VALIDATION_ERROR")
    assert "split the request" in response.json()["message"]
