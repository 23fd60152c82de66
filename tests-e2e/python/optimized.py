"""Undoes the abbreviation of `"_v":2`, written from the description in crates/payload-codec/README.md alone."""

import datetime
import json

from running import REPOSITORY

CODEC = REPOSITORY / "crates" / "payload-codec"
TABLE = json.loads((CODEC / "dictionaries" / "chat-v1.json").read_text())
KEYS = {code: key for key, code in TABLE["keys"].items()}
TIMESTAMPS = {code: key for key, code in TABLE["timestamps"].items()}
EPOCH = datetime.datetime(1970, 1, 1)


def decoded(message):
    """The message as it was before its encoder made it small."""
    if not isinstance(message, dict):
        return message
    if message.get("_v") == 2:
        return expanded({key: value for key, value in message.items() if key != "_v"})
    if message.get("type") == "batch":
        return {**message, "messages": [decoded(part) for part in message["messages"]]}
    return message


def expanded(value):
    if isinstance(value, list):
        return [expanded(item) for item in value]
    if isinstance(value, dict):
        return dict(entry(key, item) for key, item in value.items())
    return value


def entry(key, value):
    if key.startswith("~"):
        return key[1:], expanded(value)
    if key in TIMESTAMPS:
        return TIMESTAMPS[key], timestamp(value)
    return KEYS.get(key, key), expanded(value)


def timestamp(value):
    if isinstance(value, int):
        time = EPOCH + datetime.timedelta(milliseconds=value)
        return f"{time:%H:%M:%S}.{time.microsecond // 1000:03}Z".join([date(time) + "T", ""])
    seconds, *micros = value
    time = EPOCH + datetime.timedelta(seconds=seconds)
    fraction = f".{micros[0]:06}" if micros else ""
    return f"{date(time)}T{time:%H:%M:%S}{fraction}Z"


def date(time):
    return f"{time.year:04}-{time.month:02}-{time.day:02}"
