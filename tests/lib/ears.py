# SPDX-License-Identifier: Apache-2.0
"""Listening at many machines at once, in one process: what arrives at a tap
is the fabric's doing, whatever the kernel behind it makes of the frame."""
import selectors
import socket
import time

import netns
from netns import LabError

SO_RCVBUFFORCE = 33


class Ears:
    """Frames that arrive at the machines' eth0, those for which keep(frame)
    holds; `heard` has them as (machine, frame). Frames that a machine sends
    itself do not count."""

    def __init__(self, machines, keep):
        self.keep = keep
        self.heard = []
        self.others = 0
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        for machine in machines:
            sock = netns.open_socket(machine.namespace, socket.AF_PACKET,
                                     socket.SOCK_RAW, socket.htons(3))
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
            sock.bind(("eth0", 3))
            sock.setblocking(False)
            self.sockets.append(sock)
            self.selector.register(sock, selectors.EVENT_READ, machine)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.selector.close()
        for sock in self.sockets:
            sock.close()

    def listen(self, wait_s=0):
        """Takes in what is there, or what comes first within wait_s."""
        for key, _ in self.selector.select(wait_s):
            while True:
                try:
                    frame, address = key.fileobj.recvfrom(65536)
                except BlockingIOError:
                    break
                if address[2] == socket.PACKET_OUTGOING:
                    continue
                if self.keep(frame):
                    self.heard.append((key.data, frame))
                else:
                    self.others += 1

    def within(self, arrived, deadline_s):
        """Listens until arrived() is true; whether it was in time."""
        end = time.monotonic() + deadline_s
        self.listen()
        while not arrived():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.listen(left)
        return True

    def until(self, arrived, deadline_s, what):
        """Listens until arrived() is true."""
        if not self.within(arrived, deadline_s):
            raise LabError(f"not heard within {deadline_s} s: "
                           f"{what() if callable(what) else what}")


class Voices:
    """A raw socket per machine or namespace, to send frames by hand."""

    def __init__(self, namespaces, device="eth0"):
        self.sockets = {}
        for namespace in namespaces:
            sock = netns.open_socket(namespace, socket.AF_PACKET,
                                     socket.SOCK_RAW)
            sock.bind((device, 0))
            self.sockets[namespace] = sock

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        for sock in self.sockets.values():
            sock.close()

    def send(self, namespace, frame):
        """Puts the frame on the wire as it is."""
        self.sockets[namespace].send(frame)
