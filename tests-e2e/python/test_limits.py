"""What a client may not overdo, with Python's `websockets`."""

import time

import pytest
from running import TOKENS, gateway, token
from websockets.exceptions import ConnectionClosed

SHORT = {
    "rate_limit.max_requests": 3,
    "rate_limit.window": "1s",
    "rate_limit.burst": 0,
    "rate_limit.block": "500ms",
}


def closed_with(client):
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.raw()
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_a_burst_over_the_limit_is_refused_with_a_time_and_then_allowed_again():
    with gateway(SHORT) as here:
        client = here.connect()
        client.expect("welcome")
        kinds = [client.ask(type="message", id=n, content=n)["type"] for n in range(3)]
        assert kinds == ["message"] * 3
        refusal = client.ask(type="message", id=3, content=3)
        assert refusal["type"] == "rate_limit_error"
        assert (refusal["id"], refusal["message"]) == (3, "Too many requests")
        assert client.ask(type="ping")["type"] == "pong"
        time.sleep(refusal["retry_after"])
        assert client.ask(type="message", content=4)["type"] == "message"


def test_the_sixth_session_of_a_user_is_closed_and_told_why():
    with gateway(TOKENS) as here:
        query = f"?token={token('42')}"
        sessions = [here.connect(query) for _ in range(5)]
        for session in sessions:
            session.expect("welcome")
        assert closed_with(here.connect(query)) == (1008, "Connection limit reached")
        sessions[0].close()
        for _ in range(100):
            if here.get("/api/websocket/health")["active_connections"] == 4:
                break
            time.sleep(0.02)
        here.connect(query).expect("welcome")


def test_over_capacity_a_connection_is_accepted_told_and_closed():
    with gateway({"pool.max_connections": 2}) as here:
        inside = [here.connect() for _ in range(2)]
        for session in inside:
            session.expect("welcome")
        for _ in range(3):
            assert closed_with(here.connect()) == (1008, "Server at capacity")
        assert inside[0].ask(type="ping")["type"] == "pong"
