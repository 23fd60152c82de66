"""Sessions with Python's `websockets`: greeting, echo, broadcast, groups, directed messages, and the end."""

import signal

import pytest
from running import TOKENS, gateway, token
from websockets.exceptions import ConnectionClosed


@pytest.fixture(name="here")
def a_gateway():
    with gateway() as running:
        yield running


@pytest.fixture(name="users")
def a_gateway_with_tokens():
    with gateway(TOKENS) as running:
        yield running


def user(running, name):
    client = running.connect(f"?token={token(name)}")
    assert client.expect("welcome")["user"] == name
    return client


def test_a_session_is_welcomed_and_echoes_what_it_is_sent(here):
    client = here.connect()
    welcome = client.expect("welcome")
    assert welcome["protocol"] == "tidegate.v1"
    assert welcome["user"] == f"anon:{welcome['session']}"
    text = '{"type":"message","id":1,"content":{"b":1.50,"a":"\\u00e4","a":[]}}'
    client.connection.send(text)
    assert client.raw() == text


def test_a_broadcast_reaches_the_other_and_not_its_sender(here):
    sender, other = here.connect(), here.connect()
    sender.expect("welcome"), other.expect("welcome")
    reply = sender.ask(type="broadcast", id="b", content="hello")
    assert (reply["type"], reply["id"], reply["delivered"]) == ("reply", "b", 1)
    heard = other.expect("broadcast")
    assert (heard["content"], heard["message_id"]) == ("hello", reply["message_id"])
    assert sender.ask(type="ping")["type"] == "pong"


def test_a_group_is_joined_looked_into_addressed_and_left(users):
    anna, ben = user(users, "anna"), user(users, "ben")
    for client in (anna, ben):
        assert client.ask(type="join", id=1, group="room")["group"] == "room"
    members = anna.ask(type="presence", id=2, group="room")["members"]
    assert sorted(member["user"] for member in members) == ["anna", "ben"]
    ben.send(type="send", id=3, to={"group": "room"}, content="hi")
    assert anna.expect("message")["content"] == "hi"
    assert {ben.next()["type"], ben.next()["type"]} == {"message", "reply"}
    assert anna.ask(type="leave", id=4, group="room")["type"] == "reply"
    assert anna.ask(type="leave", id=5, group="room")["code"] == "not_found"


def test_a_directed_message_reaches_all_devices_of_its_user(users):
    sender, phone, laptop = user(users, "1"), user(users, "42"), user(users, "42")
    assert sender.ask(type="send", id=1, to={"user": "42"}, content="hi")["delivered"] == 2
    for device in (phone, laptop):
        message = device.expect("message")
        assert (message["content"], message["from"]) == ("hi", "1")


def test_what_the_backend_publishes_arrives(here):
    client = here.connect()
    client.expect("welcome")
    published = here.publish(to="all", content={"n": 1})
    message = client.expect("message")
    assert (message["content"], message["message_id"]) == ({"n": 1}, published["message_id"])


def test_the_embedded_agent_streams_an_answer(here):
    client = here.connect()
    client.expect("welcome")
    start = client.ask(type="stream", id=7, query="How do tides work?")
    assert (start["type"], start["id"]) == ("stream_start", 7)
    text = ""
    while (message := client.next())["type"] == "stream_chunk":
        assert message["stream"] == start["stream"]
        text += message["data"]
        if len(text) > 200:
            client.send(type="cancel", stream=start["stream"])
    assert (message["type"], message["complete"]) == ("stream_end", False)
    assert text.startswith("# How tides work")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_goaway_closes_with_1001_and_exits_with_0(number):
    with gateway({"drain_timeout": "2s"}) as running:
        client = running.connect()
        client.expect("welcome")
        running.process.send_signal(number)
        assert client.expect("goaway")["resume"] is False
        with pytest.raises(ConnectionClosed) as closed:
            client.raw()
        assert closed.value.rcvd.code == 1001
        assert running.process.wait(timeout=10) == 0
