"""Messages of a mebibyte through the raw echo: text and binary, whole and in fragments, without permessage-deflate and
with every kind of it."""

import random
import re

import pytest
from running import PATIENCE, gateway
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Deflate
from websockets.sync.client import connect

MEBIBYTE = 1 << 20
TEXT = ("tide in, tide out: Ebbe, Fluß, 潮汐, 🌊. " * 30_000).encode()[:MEBIBYTE].decode(errors="ignore")
NOISE = random.Random(6455).randbytes(MEBIBYTE)
ROOMY = {"dev.echo": "true", "codec.max_message_bytes": "2MiB", "queue.max_queue_bytes": "4MiB"}
PARAMETERS = ("server_no_context_takeover", "client_no_context_takeover")

# What the gateway is told, what the client offers, and which of PARAMETERS are agreed on; None is no agreement.
KINDS = {
    "off": ({"codec.deflate": "false"}, Deflate(), None),
    "not offered": ({}, None, None),
    "without takeover": ({}, Deflate(), {*PARAMETERS}),
    "with takeover": ({"codec.deflate_takeover": "16"}, Deflate(), set()),
    "takeover of the client": (
        {"codec.deflate_takeover": "16"},
        Deflate(server_no_context_takeover=True),
        {"server_no_context_takeover"},
    ),
    "takeover of the gateway": (
        {"codec.deflate_takeover": "16"},
        Deflate(client_no_context_takeover=True),
        {"client_no_context_takeover"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mebibyte_comes_back_as_it_went(kind):
    settings, offer, agreed = KINDS[kind]
    with gateway({**ROOMY, **settings}) as here, echo_of(here, offer) as echo:
        answer = echo.response.headers.get("Sec-WebSocket-Extensions")
        assert (answer and {*re.findall(r"\w+_takeover", answer)}) == agreed, answer
        for message in (TEXT, NOISE):
            for pieces in (1, 7, 300):
                # A list goes as one frame for each of its parts.
                echo.send(message if pieces == 1 else parts(message, pieces))
                assert echo.recv(timeout=PATIENCE) == message
        for message in (TEXT[:3000], NOISE[:3000], "", b""):
            for _ in range(3):
                echo.send(message)
                assert echo.recv(timeout=PATIENCE) == message


def echo_of(here, offer):
    address = here.websocket.removesuffix("/ws") + "/echo"
    extensions = [offer] if offer else None
    options = {"compression": None, "extensions": extensions, "open_timeout": PATIENCE}
    # Under takeover also what does not get smaller goes compressed, and is a little larger then.
    return connect(address, legacy=True, max_size=2 * MEBIBYTE, **options)


def parts(message, count):
    size = -(-len(message) // count)
    return [message[at : at + size] for at in range(0, len(message), size)]
