"""Starts the built gateway on a free port and ends it with its test.

Knows the command line and the announcement; of the protocol, only that a session begins with `welcome`.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

from websockets.sync.client import connect

REPOSITORY = pathlib.Path(os.environ.get("TIDEGATE_REPO", pathlib.Path(__file__).parents[2]))
BINARY = os.environ.get("TIDEGATE_BIN", str(REPOSITORY / "target" / "debug" / "tidegate"))
SECRET = "a secret of at least thirty-two bytes"
PATIENCE = 10

TOKENS = {
    "auth.jwt_secret": SECRET,
    "auth.anonymous": "false",
    "authorize.join": "*",
    "authorize.send": "*",
    "authorize.broadcast": "true",
}


class Gateway:
    """A running gateway."""

    def __init__(self, process, announcement, log):
        self.process = process
        self.announcement = announcement
        self._log = log
        self.websocket = re.search(r"WebSocket +(\S+)", announcement)[1]
        self.http = re.sub(r"^ws(.*)/ws$", r"http\1", self.websocket)
        self.key = re.search(r"API key.*\n +(\S+)", announcement)[1]

    def connect(self, query="", **options):
        """A client; its greeting is not read yet."""
        options = {"open_timeout": PATIENCE, "close_timeout": PATIENCE, **options}
        # Several connections live side by side and end with their gateway: a `with` for each would hide the tests.
        return Client(connect(self.websocket + query, legacy=True, **options))

    def get(self, path):
        with urllib.request.urlopen(self.http + path, timeout=PATIENCE) as answer:
            return json.load(answer)

    def publish(self, **fields):
        request = urllib.request.Request(
            self.http + "/api/v1/publish",
            data=json.dumps(fields).encode(),
            headers={"Authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == 202
            return json.load(answer)

    def stop(self, number=signal.SIGTERM):
        """Sends a signal and gives the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)

    @property
    def log(self):
        return "".join(self._log)


class Client:
    """A connection whose messages are JSON, and which waits for nothing for ever."""

    def __init__(self, connection):
        self.connection = connection

    def send(self, **fields):
        self.connection.send(json.dumps(fields))

    def raw(self):
        return self.connection.recv(timeout=PATIENCE)

    def next(self):
        return json.loads(self.raw())

    def expect(self, kind):
        message = self.next()
        assert message["type"] == kind, message
        return message

    def ask(self, **fields):
        self.send(**fields)
        return self.next()

    def close(self):
        self.connection.close()


def environment():
    """The environment without the variables that are the tests' own: the program would take them for misspelt keys."""
    return {k: v for k, v in os.environ.items() if not k.startswith("TIDEGATE_")}


@contextlib.contextmanager
def gateway(settings=None, arguments=()):
    """A gateway on a free port of loopback, with these keys set."""
    pairs = [part for key, value in (settings or {}).items() for part in ("--set", f"{key}={value}")]
    process = subprocess.Popen(
        [BINARY, "--listen", "127.0.0.1:0", *pairs, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    log = []
    threading.Thread(target=lambda: log.extend(process.stderr), daemon=True).start()
    try:
        announcement = ""
        for line in process.stdout:
            announcement += line
            if "Stop with Ctrl-C" in line:
                break
        assert "ready" in announcement, "".join(log)
        yield Gateway(process, announcement, log)
    finally:
        process.kill()
        process.wait()


def token(user, seconds=3600, secret=SECRET, **claims):
    """A JSON Web Token, signed with HS256 by hand: this side shares no code with the other."""
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": user, "exp": int(time.time()) + seconds, **claims}]
    signed = b".".join(encoded(json.dumps(part).encode()) for part in parts)
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + encoded(signature)).decode()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")
