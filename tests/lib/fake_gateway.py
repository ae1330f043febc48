# SPDX-License-Identifier: Apache-2.0
"""A gateway that is none: reads its feed, keeps what it is told, reports what
a test says."""
import http.client
import json
import socket
import threading
import time

from netns import wait_until


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class FakeGateway:
    """One gateway of a controller at a unix socket."""

    def __init__(self, path, name, acks=True):
        self.path, self.name, self.acks = path, name, acks
        self.boot = f"{time.time_ns():x}"
        self.entries = {}       # (type, key) -> value
        self.lines = []         # all of them, with the time
        self.epoch, self.seq, self.synced = None, 0, None
        self.full = False
        self.learned_once = False
        self.reader = self.connection = None
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self.error = None

    # --- The feed.

    def open(self, resume=True):
        """Starts to read."""
        where = f"/v1/gateways/{self.name}/feed"
        if resume and self.epoch:
            where += f"?epoch={self.epoch}&since={self.seq}"
        self.connection = UnixConnection(self.path, 30)
        self.connection.request("GET", where)
        self.sock = self.connection.sock
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()
        self.ended.clear()
        self.synced = None
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        return self

    def read(self):
        """The thread that takes lines."""
        try:
            for line in iter(self.response.readline, b""):
                self.take(json.loads(line))
        except (OSError, ValueError, http.client.HTTPException,
                AttributeError) as error:
            self.error = error
        self.ended.set()

    def take(self, line):
        """One line of the feed."""
        with self.lock:
            self.lines.append((time.monotonic(), line))
            if "hello" in line:
                self.epoch = line["hello"]["epoch"]
                self.full = line["hello"]["full"]
                self.told = set()
            elif "sync" in line:
                if self.full:
                    self.entries = {key: value for key, value
                                    in self.entries.items()
                                    if key in self.told}
                    self.full = False
                self.seq = self.synced = line["sync"]
            elif "seq" in line:
                key = line["type"], line["key"]
                self.told.add(key)
                self.seq = line["seq"]
                if line["value"] is None:
                    self.entries.pop(key, None)
                else:
                    self.entries[key] = line["value"]
        if self.acks and "sync" in line:
            self.report()

    def wait_sync(self, deadline_s=10):
        """Until it is told that that is all."""
        wait_until(lambda: self.synced is not None, deadline_s,
                   lambda: f"{self.lines} {self.error}")
        return self

    def has(self, kind, key):
        """The entry's value, None if it is not there."""
        with self.lock:
            return self.entries.get((kind, key))

    def wait(self, kind, key, there=True, deadline_s=10):
        """Until it is told that the entry is there, or not."""
        wait_until(lambda: (self.has(kind, key) is not None) == there,
                   deadline_s, lambda: f"{kind} {key}: {self.entries}")
        return self.has(kind, key)

    def keys(self, kind):
        """Of the entries of a type."""
        with self.lock:
            return sorted(key for of, key in self.entries if of == kind)

    # --- The report.

    def report(self, **members):
        """Status and answer of a report."""
        body = {"boot": self.boot, "epoch": self.epoch, "acked": self.seq,
                "full": None, **members}
        connection = UnixConnection(self.path, 30)
        try:
            connection.request("POST", f"/v1/gateways/{self.name}/report",
                               json.dumps(body))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def learn(self, *items, full=True):
        """Reports these, as all it knows unless full is False."""
        if not full:
            return self.report(learned=list(items))
        self.report(full="begin")
        return self.report(full="end", learned=list(items))

    def close(self):
        """Stops reading."""
        if self.connection:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.reader.join(10)
            self.connection.close()
            self.connection = None
