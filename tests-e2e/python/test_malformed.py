"""Broken input from Python's side: the stated answer to each, and the gateway goes on."""

import pytest
from running import gateway
from websockets.exceptions import ConnectionClosed


@pytest.fixture(name="here", scope="module")
def a_gateway():
    with gateway() as running:
        yield running


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type":"message","content":tru}', "malformed"),
        ("[1]", "malformed"),
        ('{"type":"message","content":' + "[" * 1000 + "]" * 1000 + "}", "malformed"),
        ('{"type":["message"]}', "invalid_field"),
        ('{"type":"send","to":"42","content":1}', "invalid_field"),
        ('{"type":"teleport"}', "unknown_type"),
        ('{"type":"resume"}', "unsupported"),
    ],
    ids=["broken", "array", "deep", "wrong type", "wrong target", "unknown", "unsupported"],
)
def test_a_broken_message_is_answered_and_the_connection_lives(here, text, code):
    client = here.connect()
    client.expect("welcome")
    client.connection.send(text)
    assert client.expect("error")["code"] == code
    assert client.ask(type="ping")["type"] == "pong"


def test_a_message_of_two_mebibytes_ends_the_connection_with_1009(here):
    client = here.connect()
    client.expect("welcome")
    with pytest.raises(ConnectionClosed) as closed:
        client.send(type="message", content="x" * (2 << 20))
        client.raw()
    assert closed.value.rcvd.code == 1009
    here.connect().expect("welcome")
