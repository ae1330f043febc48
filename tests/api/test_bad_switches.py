# SPDX-License-Identifier: Apache-2.0
"""What is no host of the fabric at the ports of OVSDB and OpenFlow: whatever
it says, or asks and never reads, the API is served, nothing changes, memory
stays bounded."""
import contextlib
import json
import random
import socket
import struct
import time

import intent
import pytest

HELLO, ECHO, FEATURES_REPLY, PACKET_IN, MULTIPART_REPLY = 0, 2, 6, 10, 19


def of(kind, body=b"", version=6, length=None, xid=1):
    """An OpenFlow message, its length as true as asked for."""
    return struct.pack("!BBHI", version, kind, 8 + len(body)
                       if length is None else length, xid) + body


def features(dpid):
    return of(FEATURES_REPLY, struct.pack("!QIBB2xII", dpid, 0, 254, 0, 0, 0))


OF_HELLO = of(HELLO, struct.pack("!HHI", 1, 8, 1 << 6))
DPID_OF_HOST_1 = 0x7678010000000001

OPENFLOW = [
    ("nothing", b""),
    ("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
    ("a TLS hello", b"\x16\x03\x01\x02\x00" + bytes(300)),
    ("an old version", of(HELLO, version=1)),
    ("a length of 0", of(HELLO, length=0)),
    ("a length of 7", OF_HELLO + of(ECHO, length=7)),
    ("a length beyond what comes", OF_HELLO + of(ECHO, length=65535)),
    ("no hello first", features(DPID_OF_HOST_1)),
    ("an element of length 0", of(HELLO, struct.pack("!HHI", 1, 0, 0))),
    ("a stranger's datapath id", OF_HELLO + features(0x123456789abcdef)),
    ("the datapath id of a host", OF_HELLO + features(DPID_OF_HOST_1)),
    ("a datapath id of tier 9", OF_HELLO + features(0x7678090000000001)),
    ("short features", OF_HELLO + of(FEATURES_REPLY, bytes(4))),
    ("unasked replies", OF_HELLO + features(DPID_OF_HOST_1)
     + of(MULTIPART_REPLY, struct.pack("!HH4x", 1, 0) + b"\xff" * 600)
     + of(21) + of(33, bytes(8)) + of(1, bytes(4))),
    ("packets in", OF_HELLO + features(DPID_OF_HOST_1)
     + of(PACKET_IN, b"\xff" * 900) * 500),
    ("unknown types", OF_HELLO + b"".join(of(t) for t in range(36, 256))),
]

OVSDB = [
    ("nothing", b""),
    ("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
    ("no JSON", b"\0\1\2\3" * 100),
    ("an array", b"[1,2,3]"),
    ("a reply that nobody asked for", b'{"id":77,"result":[],"error":null}'),
    ("an error", b'{"id":0,"result":null,"error":"no"}'),
    ("results of the wrong shape", b"".join(
        json.dumps({"id": i, "result": r, "error": None}).encode()
        for i in range(4) for r in (5, "x", [], {}, [[]], [{}],
                                    {"Bridge": 5}, {"Bridge": {"x": 5}}))),
    ("a request for a method that is none",
     b'{"id":1,"method":"format","params":["c:"]}'),
    ("an update that nobody asked for",
     b'{"id":null,"method":"update2","params":["x",{"Interface":{}}]}'),
    ("deep nesting", b'{"id":1,"result":' + b"[" * 100000),
    ("a string without end", b'{"id":"' + b"a" * 300000),
    ("many members", b"{" + b",".join(b'"m%d":0' % i for i in range(50000))
     + b"}"),
    ("invalid UTF-8", b'{"id":1,"result":"\xff\xfe","error":null}'),
    ("a stolen database", b'{"id":1,"method":"transact","params":["x"]}'),
]


@pytest.fixture(scope="module")
def api(controller):
    """A caller, and a host that the strangers pretend to be."""
    with intent.Api(controller.api) as one:
        one.put("/v1/zones/z1")
        one.put("/v1/hosts/h1", zone="z1", vtep="192.0.2.1", mtu=1600,
                system_id="one")
        yield one


def tell(address, data, timeout=0.3):
    """Says it, half closes, reads what comes."""
    with socket.create_connection(address, 5) as sock:
        sock.settimeout(timeout)
        with contextlib.suppress(OSError):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass


def served(api, before):
    started = time.monotonic()
    assert api.export() == before
    assert time.monotonic() - started < 2
    host = api.get("/v1/hosts/h1")
    assert host["status"] != "active", host


@pytest.mark.parametrize("where, name, data",
                         [("openflow", *c) for c in OPENFLOW]
                         + [("ovsdb", *c) for c in OVSDB],
                         ids=lambda v: v.replace(" ", "_")
                         if isinstance(v, str) else "")
def test_who_is_no_switch_changes_nothing(controller, api, where, name,
                                          data):
    before = api.export()
    tell(getattr(controller, where), data)
    served(api, before)
    assert controller.process.poll() is None, controller.log()


@pytest.mark.parametrize("where", ["openflow", "ovsdb"])
def test_random_faults_in_what_switches_say_end_nothing(controller, api,
                                                        where, figures):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    cases = [d for _, d in (OPENFLOW if where == "openflow" else OVSDB)
             if 0 < len(d) < 5000]
    before = api.export()
    for _ in range(200):
        data = bytearray(chance.choice(cases))
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        tell(getattr(controller, where), bytes(data), 0.02)
    served(api, before)
    assert controller.process.poll() is None, (seed, controller.log())
    figures(f"200 faulty conversations at {where} (seed {seed})")


@pytest.mark.parametrize("where, greeting, flood", [
    ("openflow", OF_HELLO + features(DPID_OF_HOST_1), of(ECHO, bytes(1000))),
    ("ovsdb", b"", b'{"id":"echo","method":"echo","params":["'
     + b"x" * 1000 + b'"]}')], ids=["openflow", "ovsdb"])
def test_who_asks_and_never_reads_costs_little(controller, api, where,
                                               greeting, flood, figures):
    memory = controller.memory_kb()
    before = api.export()
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            sock = stack.enter_context(socket.create_connection(
                getattr(controller, where), 5))
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.send(greeting)
                for _ in range(300):
                    sock.send(flood * 50)
        served(api, before)
        grown = controller.memory_kb() - memory
    figures(f"10 at {where} that ask and never read: {grown} kB more")
    assert grown < 2 * controller.memory_limit_kb()


def test_five_hundred_silent_switches_hold_nobody_up(controller, api):
    before = api.export()
    with contextlib.ExitStack() as stack:
        for number in range(500):
            stack.enter_context(socket.create_connection(
                (controller.openflow, controller.ovsdb)[number % 2], 5))
        served(api, before)
    served(api, before)


def test_the_controller_ends_well_after_all_that(controller, api):
    assert api.call("GET", "/healthz")[0] == 200
    assert controller.stop() == 0, controller.log()
