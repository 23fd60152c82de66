"""TLS and the PROXY protocol, with Python's `websockets`, `ssl` and bare sockets."""

import json
import pathlib
import socket
import ssl
import subprocess
import time

import pytest
from running import BINARY, PATIENCE, SECRET, TOKENS, Client, environment, gateway, token
from websockets.exceptions import InvalidMessage
from websockets.sync.client import connect


def certificate(folder, name="localhost"):
    """A certificate made on the spot, in two files: their settings."""
    cert, key = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    about = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", "-x509", *made, *files, *about], check=True, capture_output=True)
    return {"tls.cert": str(cert), "tls.key": str(key), "tls.reload_interval": "20ms"}


def trusting(settings):
    """A client that trusts this certificate alone."""
    return ssl.create_default_context(cafile=settings["tls.cert"])


def joined(running, context, query="", **options):
    address = running.websocket + query
    connection = connect(address, ssl=context, legacy=True, open_timeout=PATIENCE, **options)
    return Client(connection)


def subject(running, context):
    """The name in the certificate that the gateway shows."""
    with socket.create_connection(("127.0.0.1", port(running)), timeout=PATIENCE) as bare:
        with context.wrap_socket(bare, server_hostname="localhost") as secured:
            return dict(pair for (pair,) in secured.getpeercert()["subject"])["commonName"]


def port(running):
    return int(running.websocket.rsplit(":", 1)[1].removesuffix("/ws"))


def made_token(user):
    """A token that the program itself makes for development."""
    command = [BINARY, "token", "--user", user, "--ttl", "1h", "--set", f"auth.jwt_secret={SECRET}"]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment()).stdout.strip()


def test_a_session_by_wss_with_a_token_from_the_command_line(tmp_path):
    settings = certificate(tmp_path)
    with gateway({**TOKENS, **settings}) as running:
        assert running.websocket.startswith("wss://")
        client = joined(running, trusting(settings), f"?token={made_token('42')}")
        assert client.expect("welcome")["user"] == "42"
        long = "tide " * 100_000
        assert client.ask(type="message", id=1, content=long)["content"] == long
        client.close()


def test_who_does_not_trust_the_certificate_does_not_connect(tmp_path):
    with gateway(certificate(tmp_path)) as running:
        with pytest.raises(ssl.SSLCertVerificationError):
            joined(running, ssl.create_default_context())


def test_plain_http_on_the_tls_port_is_told_so(tmp_path):
    with gateway(certificate(tmp_path)) as running:
        with socket.create_connection(("127.0.0.1", port(running)), timeout=PATIENCE) as bare:
            bare.sendall(b"GET /ws HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = b""
            while part := bare.recv(4096):
                answer += part
        head, body = answer.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(body)["code"] == "tls_required"


@pytest.mark.filterwarnings("ignore:.*TLSv1_1:DeprecationWarning")
def test_old_versions_of_tls_are_refused(tmp_path):
    settings = certificate(tmp_path)
    with gateway(settings) as running:
        for version, spoken in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
            context = trusting(settings)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            if spoken:
                assert subject(running, context) == "localhost"
                continue
            with pytest.raises((ssl.SSLError, ConnectionError)):
                subject(running, context)


def test_a_renewed_certificate_is_shown_to_new_connections_and_old_ones_go_on(tmp_path):
    settings = certificate(tmp_path)
    with gateway(settings) as running:
        client = joined(running, trusting(settings))
        client.expect("welcome")
        certificate(tmp_path, "renewed")
        context = trusting(settings)
        end = time.monotonic() + PATIENCE
        shown = None
        while shown != "renewed" and time.monotonic() < end:
            try:
                shown = subject(running, context)
            except ssl.SSLCertVerificationError:
                time.sleep(0.02)
        assert shown == "renewed"
        assert client.ask(type="ping", id=1)["type"] == "pong"
        client.close()


def test_a_proxy_header_is_needed_where_it_is_configured_and_comes_before_tls(tmp_path):
    settings = {**TOKENS, **certificate(tmp_path)}
    proxied = {"listen.proxy_protocol": "true", "listen.trusted_proxies": "127.0.0.1"}
    with gateway({**settings, **proxied, "log": "info,tidegate=debug"}) as running:
        bare = socket.create_connection(("127.0.0.1", port(running)), timeout=PATIENCE)
        bare.sendall(b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 443\r\n")
        client = joined(running, trusting(settings), f"?token={token('42')}", sock=bare)
        assert client.expect("welcome")["user"] == "42"
        client.close()
        end = time.monotonic() + PATIENCE
        while "203.0.113.9:40000" not in running.log and time.monotonic() < end:
            time.sleep(0.01)
        assert "203.0.113.9:40000" in running.log
        with pytest.raises((ssl.SSLError, ConnectionError, InvalidMessage)):
            joined(running, trusting(settings), f"?token={token('42')}")
