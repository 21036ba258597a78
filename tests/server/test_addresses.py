"""Which names and addresses are this machine, and who is let in without a key under which name."""

import pytest

from server.addresses import is_loopback


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "203.0.113.1", "example.org", "128.0.0.1", "127.evil.example"])
def test_any_host_that_others_can_reach_is_beyond_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_known(host):
    assert is_loopback(host)


@pytest.fixture(scope="module")
def answers_under(server):
    """The status of a request whose Host header is that."""
    return lambda host: server.client.get("/v1/models", headers={"Host": host}).status_code


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000"])
def test_an_open_server_answers_under_local_names(answers_under, host):
    assert answers_under(host) == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "192.168.1.7", "[fe80::1]", "", "a@b@c"])
def test_an_open_server_answers_under_no_other_name(answers_under, host):
    assert answers_under(host) == 403


def test_with_a_key_every_name_will_do(serve):
    with serve(admin_keys=["root"]) as server:
        headers = {"Host": "tagger.example", "Authorization": "Bearer root"}
        assert server.client.get("/v1/models", headers=headers).status_code == 200


def test_a_server_that_is_open_on_purpose_answers_under_every_name(serve):
    with serve(auth="off") as server:
        assert server.client.get("/v1/models", headers={"Host": "tagger.example"}).status_code == 200


def test_what_is_public_is_so_under_every_name(server):
    assert server.client.get("/health/live", headers={"Host": "tagger.example"}).status_code == 200
