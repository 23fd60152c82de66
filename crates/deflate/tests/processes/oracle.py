"""Python's zlib as the other end. One request per line: `mode bits takeover memory payload [payload ...]` in hex;
one line back: the results, in hex. Payloads are those of RFC 7692, without their tail."""
import sys
import zlib

TAIL = b"\x00\x00\xff\xff"


def compressor(bits, memory):
    return zlib.compressobj(6, zlib.DEFLATED, -bits, memory)


def deflate(messages, bits, takeover, memory):
    state = compressor(bits, memory)
    for message in messages:
        if not takeover:
            state = compressor(bits, memory)
        payload = state.compress(message) + state.flush(zlib.Z_SYNC_FLUSH)
        assert payload.endswith(TAIL)
        yield payload[:-4]


def inflate(payloads, bits, takeover):
    state = zlib.decompressobj(-bits)
    for payload in payloads:
        if not takeover:
            state = zlib.decompressobj(-bits)
        yield state.decompress(payload + TAIL)
        assert not state.unconsumed_tail and not state.unused_data


for line in sys.stdin:
    mode, bits, takeover, memory, *payloads = line.split()
    payloads = [bytes.fromhex(payload) for payload in payloads]
    bits, takeover, memory = int(bits), takeover == "1", int(memory)
    results = deflate(payloads, bits, takeover, memory) if mode == "deflate" else inflate(payloads, bits, takeover)
    print(" ".join(result.hex() for result in results), flush=True)
