# The Autobahn test suite for `cargo xtask autobahn`, under Python 2.7: suite.py SITE MODE SPEC MESSAGES
# MODE is fuzzingclient or fuzzingserver; MESSAGES is how many each case of 12.* and 13.* sends at most.
# Says "ready" when it runs, and each case as it begins; the report is written at the end.
import site
import sys

# First of all: zope.interface is a package in several parts, which only a site folder joins.
site.addsitedir(sys.argv[1])

import json

from twisted.internet import reactor

from autobahntestsuite import fuzzing, wstest
from autobahntestsuite.case import Cases


class Unbuffered(object):
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        self.stream.write(text)
        self.stream.flush()


def without_pages(create):
    return lambda self, **ignored: create(self, produceHtml=False, produceJson=True)


sys.stdout = Unbuffered(sys.stdout)
with open(sys.argv[3]) as source:
    spec = json.load(source)
for case in Cases:
    if hasattr(case, "COUNT"):
        case.COUNT = min(case.COUNT, int(sys.argv[4]))
fuzzing.FuzzingFactory.createReports = without_pages(fuzzing.FuzzingFactory.createReports)


def ready():
    sys.stdout.write("ready\n")


reactor.callWhenRunning(ready)
wstest.start({"mode": sys.argv[2], "debug": False, "webport": 0}, spec)
