# SPDX-License-Identifier: Apache-2.0
"""Callers that do not keep to HTTP, or to good manners: whatever they send,
hold back or never read, the others are served and nothing changes."""
import contextlib
import json
import random
import socket
import time

import intent
import pytest
from netns import wait_until


@pytest.fixture(scope="module")
def api(controller):
    """A well-behaved caller."""
    with intent.Api(controller.api) as one:
        one.put("/v1/zones/z1")
        yield one


def dial(controller, timeout=10):
    """A bare connection."""
    sock = socket.create_connection(controller.tcp, timeout)
    return sock


def read_all(sock):
    """What comes until the other side closes, or nothing more comes."""
    data = b""
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                return data
            data += more
    except (socket.timeout, ConnectionError):
        return data


def talk(controller, data, timeout=10):
    """What the controller answers to bytes; the connection is asked to be
    closed after."""
    with dial(controller, timeout) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(data)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def served(api):
    """The others still get their answers, at once."""
    started = time.monotonic()
    assert api.call("GET", "/healthz")[0] == 200
    assert time.monotonic() - started < 2


RAW = [
    ("nonsense", b"\0\1\2\3\r\n\r\n"),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
     + bytes(200)),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("HTTP/0.9", b"GET /v1/zones\r\n\r\n"),
    ("another version", b"GET /v1/zones HTTP/9.9\r\nHost: x\r\n\r\n"),
    ("no method", b" /v1/zones HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("an unknown method", b"BREW /v1/zones HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("CONNECT", b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("TRACE", b"TRACE /v1/zones HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a header without colon", b"GET / HTTP/1.1\r\nnonsense\r\n\r\n"),
    ("a header that begins with a space",
     b"GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
    ("a NUL in a header", b"GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"),
    ("a negative length", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: -5\r\n\r\n{}"),
    ("a length that is no number", b"PUT /v1/zones/evil HTTP/1.1\r\n"
     b"Host: x\r\nContent-Length: two\r\n\r\n{}"),
    ("a length beyond 64 bits", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: 18446744073709551617\r\n\r\n{}"),
    ("a length of 4 GiB", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: 4294967296\r\n\r\n{}"),
    ("two lengths", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"),
    ("a length and chunks", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
     b"0\r\n\r\nPUT /v1/zones/evil2 HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("an unknown coding", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Transfer-Encoding: gzip\r\n\r\n{}"),
    ("a chunk of a wrong size", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    ("a chunk of a huge size", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"),
    ("a negative chunk", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
    ("a line of a megabyte", b"GET /" + b"a" * (1 << 20)),
    ("headers of a megabyte", b"GET /v1/zones HTTP/1.1\r\n"
     + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 1000) for i in range(1000))
     + b"\r\n"),
    ("a hundred thousand headers", b"GET /v1/zones HTTP/1.1\r\n"
     + b"a:b\r\n" * 100000 + b"\r\n"),
    ("an absolute URI of another host",
     b"PUT http://[::1/v1/zones/evil HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a fragment", b"PUT /v1/zones/evil#x HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a space in the path", b"PUT /v1/zones/evil x HTTP/1.1\r\n\r\n"),
    ("control characters in the path",
     b"PUT /v1/zones/ev\x01il HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("a body that is cut short", b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n"
     b"Content-Length: 100\r\n\r\n{"),
    ("half a header", b"PUT /v1/zones/evil HTTP/1.1\r\nContent-Le"),
    ("only line ends", b"\r\n" * 10000),
]


@pytest.mark.parametrize("name, data", RAW, ids=lambda v: v.replace(" ", "_")
                         if isinstance(v, str) else "")
def test_what_is_no_http_is_refused_and_changes_nothing(controller, api,
                                                        name, data):
    before = api.export()
    answer = talk(controller, data)
    print(f"  {name}: {answer[:150]!r}")
    status = answer[9:12] if answer.startswith(b"HTTP/1.") else b""
    # A clear refusal, or silence and a closed connection; never a success.
    assert not status or status[:1] in (b"4", b"5"), answer[:300]
    served(api)
    assert api.export() == before


def test_pipelined_requests_are_answered_in_order(controller, api):
    one = b"GET /v1/zones/z1 HTTP/1.1\r\nHost: x\r\n\r\n"
    two = b"GET /v1/zones/none HTTP/1.1\r\nHost: x\r\n\r\n"
    last = one.replace(b"Host: x", b"Host: x\r\nConnection: close")
    answer = talk(controller, (one + two) * 50 + last)
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404"] * 50 + [b"200"], statuses[:10]
    served(api)


def test_a_pipeline_after_a_refused_body_smuggles_nothing(controller, api):
    before = api.export()
    hidden = b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n" \
             b"Content-Length: 2\r\n\r\n{}"
    body = b'{"description":"' + hidden + b"x" * 300000
    talk(controller, b"PUT /v1/zones/big HTTP/1.1\r\nHost: x\r\n"
         b"Content-Length: %d\r\n\r\n" % (len(body) + 2) + body + b'"}')
    assert api.export() == before


def test_a_request_in_single_bytes_is_understood(controller):
    data = b"GET /v1/zones/z1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with dial(controller) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(len(data)):
            sock.sendall(data[number:number + 1])
        assert b" 200 " in read_all(sock).split(b"\r\n")[0]


def test_half_requests_hold_nobody_up(controller, api, figures):
    """A hundred callers that stop in the middle of a request."""
    cuts = random.Random(1)
    data = b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\n" \
           b"Content-Length: 20\r\n\r\n{\"description\":\"abc\"}"
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            sock = stack.enter_context(dial(controller))
            sock.sendall(data[:cuts.randrange(1, len(data) - 1)])
        before = time.monotonic()
        for _ in range(20):
            served(api)
        took = time.monotonic() - before
    figures(f"20 requests beside 100 half ones: {took * 1000:.0f} ms in all")
    assert api.call("GET", "/v1/zones/evil")[0] == 404


def test_too_many_connections_do_not_shut_out_the_other_socket(controller,
                                                               api, figures):
    """The limit is per listener: who floods TCP does not lock out the
    operator at the unix socket."""
    sockets = []
    try:
        for _ in range(400):
            sockets.append(dial(controller))
        served(api)
        with intent.Api(controller.api) as fresh:
            served(fresh)
    finally:
        for sock in sockets:
            sock.close()
    wait_until(lambda: b" 200 " in talk(
        controller, b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        b"Connection: close\r\n\r\n", 2).split(b"\r\n")[0], 10,
        "TCP to be served again")
    figures(f"{len(sockets)} idle connections on TCP: the unix socket still "
            "answers, and TCP again once they are gone")


def test_replies_that_nobody_reads_hold_nobody_up(controller, api, figures):
    """Pipelined requests for much, without reading: memory stays bounded."""
    before = controller.memory_kb()
    ask = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            sock = stack.enter_context(dial(controller))
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(200):
                    sock.send(ask * 100)
        for _ in range(10):
            served(api)
        grown = controller.memory_kb() - before
    figures(f"20 callers that ask and never read: {grown} kB more memory")
    assert grown < controller.memory_limit_kb()


def test_watchers_that_never_read_are_cut_and_hold_nobody_up(controller, api,
                                                             figures):
    before = controller.memory_kb()
    lazy = []
    try:
        for _ in range(20):
            sock = dial(controller)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
            lazy.append(sock)
        started = time.monotonic()
        turns = 300
        for turn in range(turns):
            api.batch([intent.put(f"/v1/zones/w{n}",
                                  description=f"{turn} " + "x" * 240)
                       for n in range(40)])
        took = time.monotonic() - started
        served(api)
        grown = controller.memory_kb() - before
    finally:
        for sock in lazy:
            sock.close()
    figures(f"{turns * 40} changes beside 20 watchers that never read: "
            f"{took:.1f} s, {grown} kB more memory")
    assert grown < controller.memory_limit_kb()
    api.batch([intent.delete(f"/v1/zones/w{n}") for n in range(40)])


def test_a_watcher_that_reads_gets_every_change_in_order(controller, api):
    with intent.Api(controller.api) as watcher:
        since = api.get("/healthz")["revision"]
        watcher.connection.request("GET", f"/v1/watch?since={since}")
        stream = watcher.connection.getresponse()
        assert stream.status == 200
        revisions = [api.put("/v1/zones/seen", description=str(n))["revision"]
                     for n in range(50)]
        got = []
        while len(got) < 50:
            line = json.loads(stream.readline())
            if line["op"] == "PUT":
                assert line["path"] == "/v1/zones/seen"
                got.append(line["revision"])
        assert got == revisions
    api.ask("DELETE", "/v1/zones/seen")


@pytest.mark.parametrize("since", ["-1", "abc", "", "99999999999",
                                   "18446744073709551616"])
def test_a_watch_from_nowhere_is_refused(api, since):
    status, answer = api.call("GET", f"/v1/watch?since={since}")
    assert status in (400, 410), answer
    assert answer["error"]["message"]


def test_random_bytes_never_end_the_controller(controller, api, figures):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    good = b"PUT /v1/zones/evil HTTP/1.1\r\nHost: x\r\nContent-Length: 26" \
           b"\r\n\r\n{\"description\":\"innocent\"}"
    before = api.export()
    for _ in range(300):
        data = bytearray(good)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(data))
            what = chance.randrange(3)
            if what == 0:
                data[at] = chance.randrange(256)
            elif what == 1:
                del data[at:at + chance.randrange(1, 10)]
            else:
                data[at:at] = bytes(chance.randrange(256)
                                    for _ in range(chance.randrange(1, 10)))
            if not data:
                break
        talk(controller, bytes(data), timeout=5)
    served(api)
    after = {p: o for p, o in api.export().items()
             if p in before or not p.startswith("/v1/zones/")}
    assert after == before, f"seed {seed}"
    assert controller.process.poll() is None
    figures(f"300 requests with random faults (seed {seed})")


def test_the_controller_ends_well_after_all_that(controller, api):
    assert controller.process.poll() is None
    served(api)
    assert controller.stop() == 0, controller.log()
