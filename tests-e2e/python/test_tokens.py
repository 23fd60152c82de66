"""Tokens, with Python's `websockets`: the ways in, and what is refused."""

import pytest
from running import TOKENS, gateway, token
from websockets.exceptions import ConnectionClosed, InvalidStatus


@pytest.fixture(name="here", scope="module")
def a_gateway():
    with gateway({**TOKENS, "auth.leeway": "0s"}) as running:
        yield running


def test_a_token_is_taken_from_the_header_the_query_and_the_first_message(here):
    good = token("42")
    headers = {"Authorization": f"Bearer {good}"}
    for client in (here.connect(additional_headers=headers), here.connect(f"?token={good}")):
        assert client.expect("welcome")["user"] == "42"
        client.close()
    client = here.connect()
    assert client.ask(type="auth", id=1, token=good)["user"] == "42"
    client.close()


def test_a_token_in_a_sub_protocol_is_taken_and_not_echoed(here):
    offers = [f"tidegate.bearer.{token('42')}", "tidegate.v1.json"]
    client = here.connect(subprotocols=offers)
    assert client.connection.subprotocol == "tidegate.v1.json"
    assert client.expect("welcome")["user"] == "42"


@pytest.mark.parametrize(
    "bad",
    ["garbage", token("42", seconds=-10), token("42", secret="another secret of thirty-two bytes!"), token("")],
    ids=["garbage", "expired", "foreign", "nameless"],
)
def test_a_bad_token_is_401_before_the_upgrade_and_4001_after(here, bad):
    with pytest.raises(InvalidStatus) as refused:
        here.connect(f"?token={bad}")
    assert refused.value.response.status_code == 401
    client = here.connect()
    client.send(type="auth", token=bad)
    with pytest.raises(ConnectionClosed) as closed:
        client.raw()
    assert closed.value.rcvd.code == 4001
