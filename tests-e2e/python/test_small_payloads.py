"""Clients that agreed to small payloads decode what a plain one is told, and the savings shown are true."""

import gzip
import json

import msgpack
import pytest
from optimized import CODEC, decoded
from running import REPOSITORY, gateway

VECTORS = json.loads((CODEC / "vectors" / "optimize.json").read_text())


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["json"] != v["optimized"]], ids=lambda v: v["json"][:40])
def test_the_decoder_undoes_the_vectors(vector):
    assert decoded(json.loads(vector["optimized"])) == json.loads(vector["json"])


def unpacked(data):
    return msgpack.unpackb(data, ext_hook=lambda code, text: json.loads(text) if code == 74 else None)


def received(client, binary=lambda data: json.loads(gzip.decompress(data[1:]))):
    """A message as it was sent, and its bytes on the wire."""
    data = client.raw()
    if isinstance(data, str):
        return decoded(json.loads(data)), len(data.encode())
    return decoded(binary(data)), len(data)


def test_each_form_says_the_same_and_the_statistics_show_what_was_saved():
    lines = (REPOSITORY / "corpora" / "chat_messages.jsonl").read_text().splitlines()[:40]
    with gateway() as here:
        plain = here.connect()
        others = [
            (here.connect("?agree=optimize"), json.loads),
            (here.connect(subprotocols=["tidegate.v1.msgpack"]), unpacked),
            (here.connect("?agree=optimize", subprotocols=["tidegate.v1.msgpack"]), unpacked),
        ]
        for client in (plain, *(client for client, _ in others)):
            client.raw()
        before = here.get("/api/websocket/stats")
        original = sent = 0
        for line in lines:
            here.publish(to="all", content=json.loads(line))
            expected, size = received(plain)
            assert expected["content"] == json.loads(line)
            original += size * (1 + len(others))
            sent += size
            for client, binary in others:
                message, size = received(client, binary)
                assert message == expected
                sent += size
        after = here.get("/api/websocket/stats")
    grown = {key: after[key] - before[key] for key in ("total_bytes_original", "total_bytes_optimized")}
    assert grown == {"total_bytes_original": original, "total_bytes_optimized": sent}
    assert sent < original * 0.9


def test_a_large_payload_comes_as_gzip_where_that_is_agreed():
    content = ["the same words again and again"] * 1000
    with gateway() as here:
        client = here.connect("?agree=gzip", compression=None)
        client.expect("welcome")
        here.publish(to="all", content=content)
        data = client.raw()
        assert data[0] == 1
        assert len(data) < 1000
        assert json.loads(gzip.decompress(data[1:]))["content"] == content


def test_a_burst_comes_as_one_batch_where_that_is_agreed():
    with gateway({"queue.flush_interval": "500ms"}) as here:
        client = here.connect("?agree=batch,optimize")
        client.expect("welcome")
        text = {"content": "text", "created_at": "2026-01-02T03:04:05Z"}
        # The first goes at once, but for what is there by then: so it goes before the others come.
        here.publish(to="all", content={**text, "n": 0})
        assert received(client)[0]["content"]["n"] == 0
        for n in range(1, 6):
            here.publish(to="all", content={**text, "n": n})
        batch, _ = received(client)
        assert batch["type"] == "batch"
        assert [message["content"]["n"] for message in batch["messages"]] == [1, 2, 3, 4, 5]
        assert batch["messages"][0]["content"]["created_at"] == "2026-01-02T03:04:05Z"
