"""Short-lived tokens: what a site gives its visitors' browsers instead of its key."""

import json
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from swaram.server.keys import add_key
from swaram.server.tokens import PREFIX, Claims, Tokens
from tests.server.speech_client import TEXT, listen_until, running, say

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def locked(toy_voices, tmp_path_factory):
    """A server with a key that may have one stream, and the key."""
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    key = add_key(file, "site")
    granted = json.loads(file.read_text())
    granted["keys"][0]["streams"] = 1
    file.write_text(json.dumps(granted))
    with running(toy_voices, keys=file, token_secret=SECRET, origins="https://site.example") as server:
        yield server, key


def ask(server, key: str, **body) -> httpx.Response:
    return httpx.post(f"{server.address}/v1/tokens", json=body, headers={"Authorization": f"Bearer {key}"})


def speech(server, token: str, **headers) -> httpx.Response:
    body = {"input": "അമ്മ വന്നു."}
    return httpx.post(
        f"{server.address}/v1/audio/speech", json=body, headers={"Authorization": f"Bearer {token}", **headers}
    )


def test_a_token_speaks_over_http_and_over_a_socket_as_browsers_send_it(locked):
    server, key = locked
    given = ask(server, key, expires_in=60).json()
    assert given["expires_in"] == 60 and given["expires_at"] == pytest.approx(time.time() + 60, abs=5)
    assert key not in given["token"] and given["token"].startswith(PREFIX)
    assert speech(server, given["token"]).status_code == 200
    with server.websocket(f"/v1/speak?key={given['token']}") as socket:
        say(socket, type="start", text="അമ്മ", voice="toy", pace=False)
        assert listen_until(socket, "done").done["samples"] > 0


def test_a_token_has_the_limits_of_its_key(locked):
    server, key = locked
    token = ask(server, key).json()["token"]
    with server.websocket(f"/v1/speak?key={key}") as socket:
        say(socket, type="start", text=" ".join([TEXT] * 8), voice="toy")
        listen_until(socket, "started")
        assert speech(server, token).status_code == 429


def test_a_token_gives_no_tokens_and_without_a_key_there_is_none(locked):
    server, key = locked
    token = ask(server, key).json()["token"]
    assert ask(server, token).status_code == 403
    assert ask(server, "nothing").status_code == 401
    assert httpx.post(f"{server.address}/v1/tokens").status_code == 401


def test_a_token_of_an_origin_is_for_its_pages_alone(locked):
    server, key = locked
    token = ask(server, key, origin="https://Site.example/").json()["token"]
    assert speech(server, token, Origin="https://site.example").status_code == 200
    assert speech(server, token).status_code == 401
    assert speech(server, token, Origin="https://other.example").status_code == 403


@pytest.mark.parametrize(
    "wrong", ["late", "changed", "another secret", "no key of that hash", "shapeless", "not ASCII"]
)
def test_what_is_no_valid_token_is_refused(locked, wrong):
    server, key = locked
    good = ask(server, key).json()["token"]
    claims = Tokens(SECRET).read(good)
    token = {
        "late": Tokens(SECRET).issue(Claims(claims.key, None, int(time.time()) - 1)),
        "changed": good[:30] + ("A" if good[30] != "A" else "B") + good[31:],
        "another secret": Tokens().issue(claims),
        "no key of that hash": Tokens(SECRET).issue(Claims("0" * 64, None, claims.expires_at)),
        "shapeless": PREFIX + "a.b.c",
        "not ASCII": PREFIX + "é.é",
    }[wrong]
    url = f"{server.address}/v1/audio/speech"
    assert httpx.post(url, params={"key": token}, json={"input": TEXT}).status_code == 401
    with server.websocket("/v1/speak?" + str(httpx.QueryParams(key=token))) as socket:
        assert json.loads(socket.recv(timeout=5))["code"] == "unauthorised"
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


@pytest.mark.parametrize("body", [{"expires_in": 5}, {"expires_in": 4000}, {"minutes": 3}])
def test_a_wish_that_cannot_be_granted_names_the_key(locked, body):
    server, key = locked
    answer = ask(server, key, **body)
    assert answer.status_code == 422 and answer.json()["error"]["param"] == next(iter(body))


def test_servers_that_share_a_secret_take_each_others_tokens_and_the_secret_is_never_shown():
    claims = Claims("a" * 64, None, int(time.time()) + 60)
    assert Tokens(SECRET).read(Tokens(SECRET).issue(claims)) == claims
    assert Tokens().read(Tokens().issue(claims)) is None


def test_a_server_without_keys_gives_tokens_too(server):
    token = httpx.post(f"{server.address}/v1/tokens").json()["token"]
    assert speech(server, token).status_code == 200


@pytest.mark.parametrize("header", [{"xi-api-key": "{}"}, {"Authorization": "Token {}"}, {"X-API-Key": "{}"}])
def test_keys_are_found_where_clients_of_other_services_put_them(locked, header):
    server, key = locked
    headers = {name: value.format(key) for name, value in header.items()}
    assert httpx.post(f"{server.address}/v1/tokens", headers=headers).status_code == 200
