# SPDX-License-Identifier: Apache-2.0
"""The controller as a gateway sees it, in a thread of the test: a feed that
is a list, and reports that are kept. Nothing of it is shared with the
product.

    controller = FakeController("/run/.../api.sock")
    controller.set("prefix", "acme 10.0.0.0/24", {...})    None = gone
    controller.sync()
    controller.learned()            what the gateway has reported
"""
import json
import os
import socketserver
import threading
import urllib.parse

from netns import wait_until


class FakeController:
    """Serves GET .../feed and POST .../report on a unix socket."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Condition()
        self.epoch = os.urandom(8).hex()
        self.entries = {}       # (type, key): (seq, value); value None = gone
        self.seq = 0
        self.synced = 0
        self.reports = []
        self.items = {}         # identity: item
        self.fresh = None       # of a full report that is under way
        self.fulls = 0
        self.server = None
        self.start()

    # -- the test's side

    def set(self, kind, key, value):
        """An entry is new, other or gone; told with the next sync."""
        with self.lock:
            self.seq += 1
            self.entries[(kind, key)] = (self.seq, value)

    def sync(self):
        """Tells what was set; its number."""
        with self.lock:
            self.synced = self.seq
            self.lock.notify_all()
            return self.synced

    def wait_acked(self, deadline_s=60):
        """Back when the gateway has carried out all that was told."""
        wait_until(lambda: self.last().get("acked") == self.synced
                   and self.last().get("epoch") == self.epoch, deadline_s,
                   lambda: f"entry {self.synced} to be acknowledged: "
                   f"{json.dumps(self.last())[:2000]}")

    def last(self):
        """The last report."""
        with self.lock:
            return self.reports[-1] if self.reports else {}

    def learned(self, kind=None):
        """Items the gateway has reported and not taken back."""
        with self.lock:
            return [item for item in self.items.values()
                    if kind in (None, item["type"])]

    def stop(self):
        """The controller is away."""
        server, self.server = self.server, None
        server.shutdown()
        with self.lock:
            self.lock.notify_all()
        server.server_close()
        os.unlink(self.path)

    def start(self, new_epoch=False):
        """The controller is there (again)."""
        if new_epoch:
            with self.lock:
                self.epoch = os.urandom(8).hex()
        self.server = _Server(self.path, _Handler)
        self.server.controller = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    # -- the gateway's side

    def lines(self, epoch, since):
        """The lines after a number, and whether they are everything."""
        full = epoch != self.epoch
        since = 0 if full else since
        found = sorted((seq, kind, key, value)
                       for (kind, key), (seq, value) in self.entries.items()
                       if since < seq <= self.synced
                       and not (full and value is None))
        return full, [{"seq": seq, "type": kind, "key": key, "value": value}
                      for seq, kind, key, value in found]

    def take(self, report):
        """A report has come."""
        with self.lock:
            self.reports.append(report)
            del self.reports[:-100]
            if report["full"] == "begin":
                self.fresh = {}
            into = self.items if self.fresh is None else self.fresh
            for item in report["learned"]:
                into[identity(item)] = item
            for item in report["gone"]:
                into.pop(identity(item), None)
                self.items.pop(identity(item), None)
            if report["full"] == "end":
                self.items, self.fresh = self.fresh, None
                self.fulls += 1
            elif self.fresh:
                self.items.update(self.fresh)


def identity(item):
    """What tells one item from another."""
    names = {"route": ("tenant", "prefix"),
             "route5": ("tenant", "prefix", "vtep", "mac"),
             "endpoint": ("vni", "mac"), "vtep": ("vni", "vtep"),
             "flowspec": ("tenant", "rule")}[item["type"]]
    return json.dumps([item["type"]] + [item[name] for name in names],
                      sort_keys=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 16


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while self._request():
                pass
        except (OSError, ValueError):
            pass

    def _request(self):
        words = self.rfile.readline().decode().split()
        if len(words) != 3:
            return False
        size = 0
        for line in iter(self.rfile.readline, b"\r\n"):
            if not line:
                return False
            name, _, value = line.decode().partition(":")
            if name.lower() == "content-length":
                size = int(value)
        body = self.rfile.read(size)
        url = urllib.parse.urlsplit(words[1])
        if words[0] == "POST" and url.path.endswith("/report"):
            self.server.controller.take(json.loads(body))
            answer = b'{"revision":1}'
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/"
                             b"json\r\nContent-Length: %d\r\n\r\n%s"
                             % (len(answer), answer))
            return True
        if words[0] == "GET" and url.path.endswith("/feed"):
            self._feed(dict(urllib.parse.parse_qsl(url.query)))
        return False

    def _say(self, document):
        data = json.dumps(document).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _feed(self, query):
        controller = self.server.controller
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/"
                         b"x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
        epoch = query.get("epoch")
        since = int(query.get("since", 0))
        with controller.lock:
            full, lines = controller.lines(epoch, since)
            synced = controller.synced
        self._say({"hello": {"epoch": controller.epoch, "full": full,
                             "revision": 1}})
        epoch = controller.epoch
        while True:
            for line in lines:
                self._say(line)
            self._say({"sync": synced})
            with controller.lock:
                controller.lock.wait_for(
                    lambda: controller.synced != synced
                    or controller.server is not self.server, 1)
                if controller.server is not self.server:
                    return
                _, lines = controller.lines(epoch, synced)
                synced = controller.synced
