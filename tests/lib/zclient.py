# SPDX-License-Identifier: Apache-2.0
"""A client of zebra 8.4, a few messages long, that puts routes of the type
openfabric into VRFs: what a gateway made by hand does in vxgatewayd's place.
Nothing of it is shared with the product."""
import ipaddress
import socket
import struct

from netns import wait_until

VERSION, MARKER = 6, 0xFE
ROUTE_ADD, ROUTE_DELETE, NOTIFY_OWNER, REDISTRIBUTE_ADD = 8, 9, 10, 11
HELLO, CAPABILITIES, REDIST_ADD, REDIST_DEL = 18, 19, 30, 31
VRF_ADD, VRF_DELETE, ERROR, CLIENT_CAPABILITIES = 33, 34, 118, 119
CLIENT_CLOSE = 125
OPENFABRIC, BGP = 26, 9
FAIL_INSTALL, BETTER_WON, INSTALLED, REMOVED, REMOVE_FAILED = range(5)


def _prefix(prefix):
    size = (prefix.prefixlen + 7) // 8
    return (struct.pack("!BB", 2 if prefix.version == 4 else 10,
                        prefix.prefixlen)
            + prefix.network_address.packed[:size])


class ZebraClient:
    """A connection to zebra's API."""

    def __init__(self, path, route_type=OPENFABRIC):
        self.route_type = route_type
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(path)
        self.sock.setblocking(False)
        self.data = b""
        self.vrfs = {}          # name: id
        self.backend = None
        self.notes = {}         # (vrf id, prefix): last notification
        self.learned = {}       # vrf id: {prefix: type}
        self.closed = False
        self.send(0, HELLO, struct.pack("!BHIBB", route_type, 0, 0, 1, 0))
        wait_until(lambda: self.poll() and self.backend is not None, 5,
                   "CAPABILITIES of zebra")

    def close(self):
        """Hangs up, as a client that dies does."""
        self.sock.close()
        self.closed = True

    def send(self, vrf, command, body=b""):
        """One message, all of it."""
        message = struct.pack("!HBBIH", 10 + len(body), MARKER, VERSION, vrf,
                              command) + body
        self.sock.setblocking(True)
        try:
            self.sock.sendall(message)
        finally:
            self.sock.setblocking(False)

    def poll(self):
        """Takes in what has come; False when zebra is gone."""
        while not self.closed:
            try:
                more = self.sock.recv(1 << 20)
            except BlockingIOError:
                break
            except OSError:
                more = b""
            if not more:
                self.close()
                break
            self.data += more
        while len(self.data) >= 10:
            length, _, _, vrf, command = struct.unpack("!HBBIH",
                                                       self.data[:10])
            if len(self.data) < length:
                break
            self._take(vrf, command, self.data[10:length])
            self.data = self.data[length:]
        return not self.closed

    def _take(self, vrf, command, body):
        if command == CAPABILITIES:
            self.backend, = struct.unpack("!I", body[:4])
        elif command == VRF_ADD:
            self.vrfs[body[40:76].split(b"\0")[0].decode()] = vrf
        elif command == VRF_DELETE:
            self.vrfs = {n: i for n, i in self.vrfs.items() if i != vrf}
        elif command == NOTIFY_OWNER:
            note, = struct.unpack("=I", body[:4])
            self.notes[vrf, self._full_prefix(body[4:])] = note
        elif command in (REDIST_ADD, REDIST_DEL):
            self._take_route(vrf, command, body)

    @staticmethod
    def _full_prefix(body):
        family, length = body[:2]
        size = 4 if family == 2 else 16
        return ipaddress.ip_network((body[2:2 + size], length))

    def _take_route(self, vrf, command, body):
        family, length = body[12:14]
        size = 4 if family == 2 else 16
        packed = body[14:14 + (length + 7) // 8].ljust(size, b"\0")
        prefix = ipaddress.ip_network((packed, length))
        table = self.learned.setdefault(vrf, {})
        if command == REDIST_ADD:
            table[prefix] = body[0]
        else:
            table.pop(prefix, None)

    # -- what a gateway says

    def keep_routes(self, vrf, seconds):
        """Graceful restart: zebra keeps this VRF's routes that long when the
        connection is lost."""
        self.send(vrf, CLIENT_CAPABILITIES, struct.pack("!III", 1, seconds,
                                                        vrf))

    def complete(self, vrf):
        """All routes are there again: zebra purges the others."""
        for afi in (1, 2):
            self.send(vrf, CLIENT_CAPABILITIES,
                      struct.pack("!IIII", 2, afi, 1, vrf))

    def redistribute(self, vrf, route_type=BGP):
        """Asks for what zebra has of a type."""
        for afi in (1, 2):
            self.send(vrf, REDISTRIBUTE_ADD,
                      struct.pack("!BBH", afi, route_type, 0))

    def add(self, vrf, prefix, gateway=None, ifindex=0):
        """A route via a gateway on a device, else a blackhole."""
        prefix = ipaddress.ip_network(prefix)
        if gateway is None:
            hop = struct.pack("!BBB", 6, 0, 1)
        else:
            packed = ipaddress.ip_address(gateway).packed
            hop = (struct.pack("!BB", 3 if len(packed) == 4 else 5, 0)
                   + packed + struct.pack("!I", ifindex))
        self.send(vrf, ROUTE_ADD,
                  struct.pack("!BHIIB", self.route_type, 0, 1, 1, 1)
                  + _prefix(prefix) + struct.pack("!HI", 1, vrf) + hop)

    def delete(self, vrf, prefix):
        """Takes a route back."""
        prefix = ipaddress.ip_network(prefix)
        self.send(vrf, ROUTE_DELETE,
                  struct.pack("!BHIIB", self.route_type, 0, 1, 0, 1)
                  + _prefix(prefix))

    def wait_notes(self, keys, note, deadline_s=10):
        """Back when zebra has said that of each (vrf, prefix)."""
        keys = [(vrf, ipaddress.ip_network(p)) for vrf, p in keys]
        wait_until(lambda: self.poll() and all(
            self.notes.get(key) == note for key in keys), deadline_s,
            lambda: f"{len(keys)} notes to be {note}: "
            f"{ {str(k): self.notes.get(k) for k in keys[:5]} }")
