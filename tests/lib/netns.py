# SPDX-License-Identifier: Apache-2.0
"""Network namespaces from Python, quickly.

A namespace is entered by the calling thread only (setns), for as long as it
takes to open a socket or write a sysctl: a socket stays where it was opened,
so one process can hold a socket in each of a hundred namespaces and needs no
process in any of them. Interfaces are made with `ip -batch`, many in one call.
"""
import array
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading
import time

RUN_NETNS = "/run/netns"
CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM = 0x17

_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """What went wrong, with the output of the command that said so."""


def run(argv, check=True, timeout=60, **kwargs):
    """subprocess.run with text output; a failure carries what was said."""
    argv = [str(a) for a in argv]
    if "input" not in kwargs:
        kwargs.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout,
                              check=False, **kwargs)
    except subprocess.TimeoutExpired as late:
        raise LabError(f"{' '.join(argv)}: no end within {timeout} s\n"
                       f"{late.stdout or ''}{late.stderr or ''}") from None
    if check and done.returncode:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n"
                       f"{done.stdout}{done.stderr}")
    return done


def listens(path):
    """Whether somebody takes connections at this socket: it is there a moment
    before."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
    return True


def wait_until(condition, deadline_s, what, interval_s=0.01):
    """Polls condition() until it is true and returns its value; LabError
    naming `what` when deadline_s seconds passed first. `what` may be a
    function, asked only then."""
    end = time.monotonic() + deadline_s
    tick = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            text = what() if callable(what) else what
            raise LabError(f"not within {deadline_s} s: {text}")
        tick.wait(interval_s)


def path_of(namespace):
    """The file of a namespace; a name with a slash is such a file itself, as
    in /proc/PID/root/run/netns/NAME of a mount namespace apart."""
    return namespace if "/" in namespace else f"{RUN_NETNS}/{namespace}"


def command(namespace, argv):
    """argv as it runs inside a namespace (None: where we are)."""
    if namespace is None:
        return list(argv)
    return ["nsenter", f"--net={path_of(namespace)}", "--", *argv]


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


@contextlib.contextmanager
def inside(namespace):
    """The calling thread is in the namespace within this block."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(path_of(namespace), os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _setns(home)
    finally:
        os.close(home)


def open_socket(namespace, *args):
    """socket.socket(*args), opened inside the namespace."""
    with inside(namespace):
        return socket.socket(*args)


def ip_batch(lines, namespace=None):
    """Runs lines of `ip` in one process, in order; stops at a failure."""
    lines = list(lines)
    if not lines:
        return
    # Not `ip -n`: that mounts, and fails where / is no mount point (chroot).
    argv = command(namespace, ["ip", "-batch", "-"])
    done = subprocess.run(argv, input="\n".join(lines) + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if done.returncode:
        raise LabError(f"ip -batch in {namespace or 'the root'}:\n"
                       f"{done.stdout}in:\n" + "\n".join(lines))


def delete(namespaces):
    """Deletes namespaces; somebody else may be deleting them, too."""
    lines = [f"netns del {name}" for name in namespaces]
    done = subprocess.run(["ip", "-force", "-batch", "-"],
                          input="\n".join(lines) + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    left = set(namespaces) & set(names())
    if left:
        raise LabError(f"{sorted(left)} are still there:\n{done.stdout}")


def sysctl(pairs):
    """Writes {"net/...": value}; call it inside() a namespace."""
    for name, value in pairs.items():
        with open(f"/proc/sys/{name}", "w", encoding="ascii") as file:
            file.write(str(value))


def prepare(ipv6_dad=False):
    """Settings of a fresh namespace; call it inside() before interfaces are
    made. Without DAD an IPv6 address works at once instead of after a second
    or two, and nobody asks for routers that are not there."""
    for scope in ("all", "default"):
        base = f"net/ipv6/conf/{scope}"
        sysctl({f"{base}/accept_ra": 0, f"{base}/router_solicitations": 0})
        if not ipv6_dad:
            sysctl({f"{base}/accept_dad": 0, f"{base}/dad_transmits": 0})


def tx_checksum_off(device):
    """Like `ethtool -K device tx off`, inside() a namespace. The userspace
    datapath forwards frames as it reads them, so a checksum left to the
    hardware would never be filled in."""
    value = array.array("B", struct.pack("=II", ETHTOOL_STXCSUM, 0))
    address, _ = value.buffer_info()
    request = struct.pack("16sP", device.encode(), address)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, SIOCETHTOOL, request)


def as_tap(device):
    """The host's end of a machine's interface as hypervisors have it, inside()
    the host's namespace, before it is up: the host has no IPv6 on it. With it,
    routes come and go with each machine, and Open vSwitch's userspace datapath
    drops packets of tunnels while it reads the host's routes again."""
    sysctl({f"net/ipv6/conf/{device}/disable_ipv6": 1})
    tx_checksum_off(device)


def pids_in(namespace):
    """Processes whose network namespace this is, ours excluded."""
    done = run(["ip", "netns", "pids", namespace], check=False)
    return [int(p) for p in done.stdout.split() if int(p) != os.getpid()]


def names():
    """All named namespaces."""
    try:
        return sorted(os.listdir(RUN_NETNS))
    except FileNotFoundError:
        return []
