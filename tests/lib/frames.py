# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames as bytes: what the tests send by hand, forged or not.

Every field that a test may want to lie about is a parameter.
"""
import ipaddress
import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
ETH_IPV4, ETH_ARP, ETH_IPV6 = 0x0800, 0x0806, 0x86dd
ARP_REQUEST, ARP_REPLY = 1, 2
VXLAN_PORT = 4789


def mac_bytes(mac):
    """02:00:00:00:00:01 as six bytes."""
    return bytes.fromhex(mac.replace(":", ""))


def ip_bytes(address):
    """An IPv4 or IPv6 address as bytes."""
    return ipaddress.ip_address(address).packed


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(dst, src, ethertype, payload):
    """Padded to the 60 bytes that a wire would carry."""
    frame = (mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", ethertype)
             + payload)
    return frame.ljust(60, b"\0")


def arp(operation, sender_mac, sender_ip, target_ip, *, target_mac=None,
        eth_src=None, eth_dst=None):
    """ARP for IPv4 over Ethernet. A gratuitous one has sender_ip ==
    target_ip."""
    body = struct.pack("!HHBBH", 1, ETH_IPV4, 6, 4, operation)
    body += mac_bytes(sender_mac) + ip_bytes(sender_ip)
    body += mac_bytes(target_mac or "00:00:00:00:00:00") + ip_bytes(target_ip)
    return ethernet(eth_dst or BROADCAST, eth_src or sender_mac, ETH_ARP, body)


def ipv4(src, dst, protocol, payload, ttl=64):
    """An IPv4 packet."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000,
                       ttl, protocol, 0, ip_bytes(src), ip_bytes(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, next_header, payload, hop_limit=64):
    """An IPv6 packet."""
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), next_header,
                       hop_limit, ip_bytes(src), ip_bytes(dst)) + payload


def icmp_echo(identifier, sequence, data=b"", reply=False):
    """ICMP echo."""
    head = struct.pack("!BBHHH", 0 if reply else 8, 0, 0, identifier, sequence)
    value = checksum(head + data)
    return head[:2] + struct.pack("!H", value) + head[4:] + data


def icmpv6(src, dst, kind, body):
    """ICMPv6 with its checksum over the pseudo header."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = (ip_bytes(src) + ip_bytes(dst)
              + struct.pack("!II", len(message), socket.IPPROTO_ICMPV6))
    value = checksum(pseudo + message)
    return message[:2] + struct.pack("!H", value) + message[4:]


def icmpv6_echo(src, dst, identifier, sequence, data=b""):
    """ICMPv6 echo request."""
    return icmpv6(src, dst, 128,
                  struct.pack("!HH", identifier, sequence) + data)


def neighbor_solicitation(src_mac, src_ip, target):
    """The frame that asks for target's MAC; from "::" it is DAD."""
    packed = ip_bytes(target)
    group = ipaddress.ip_address(ip_bytes("ff02::1:ff00:0")[:13] + packed[13:])
    body = b"\0\0\0\0" + packed
    if src_ip != "::":
        body += b"\1\1" + mac_bytes(src_mac)
    message = icmpv6(src_ip, str(group), 135, body)
    multicast = "33:33:" + ":".join(f"{b:02x}" for b in group.packed[12:])
    return ethernet(multicast, src_mac, ETH_IPV6,
                    ipv6(src_ip, str(group), socket.IPPROTO_ICMPV6, message,
                         255))


def neighbor_advertisement(src_mac, src_ip, target, *, link_layer=None,
                           dst_mac="33:33:00:00:00:01", dst_ip="ff02::1"):
    """An unsolicited, overriding advertisement unless said otherwise."""
    body = struct.pack("!I", 0x20000000) + ip_bytes(target)
    body += b"\2\1" + mac_bytes(link_layer or src_mac)
    message = icmpv6(src_ip, dst_ip, 136, body)
    return ethernet(dst_mac, src_mac, ETH_IPV6,
                    ipv6(src_ip, dst_ip, socket.IPPROTO_ICMPV6, message, 255))


def ping(dst_mac, src_mac, src_ip, dst_ip, identifier=1, sequence=1,
         data=b"vxfabric"):
    """An ICMP or ICMPv6 echo request as a whole frame."""
    if ":" in src_ip:
        message = icmpv6_echo(src_ip, dst_ip, identifier, sequence, data)
        return ethernet(dst_mac, src_mac, ETH_IPV6,
                        ipv6(src_ip, dst_ip, socket.IPPROTO_ICMPV6, message))
    message = icmp_echo(identifier, sequence, data)
    return ethernet(dst_mac, src_mac, ETH_IPV4,
                    ipv4(src_ip, dst_ip, socket.IPPROTO_ICMP, message))


def udp(src_port, dst_port, payload):
    """UDP without checksum, which IPv4 allows."""
    return struct.pack("!HHHH", src_port, dst_port, 8 + len(payload),
                       0) + payload


def vxlan(vni, inner):
    """RFC 7348 header, I flag set, before an inner frame."""
    return struct.pack("!II", 0x08 << 24, vni << 8) + inner


def nd(kind, src_mac, src_ip, body, *, dst_mac="33:33:00:00:00:01",
       dst_ip="ff02::1", code=0, hop_limit=255, headers=None):
    """Any message of neighbour discovery, with everything to lie about.
    headers: (number of the first, bytes) of extension headers."""
    message = icmpv6(src_ip, dst_ip, kind, body)
    if code:
        message = message[:1] + bytes([code]) + message[2:]
        message = message[:2] + b"\0\0" + message[4:]
        value = checksum(ip_bytes(src_ip) + ip_bytes(dst_ip) + struct.pack(
            "!II", len(message), socket.IPPROTO_ICMPV6) + message)
        message = message[:2] + struct.pack("!H", value) + message[4:]
    first, before = headers or (socket.IPPROTO_ICMPV6, b"")
    return ethernet(dst_mac, src_mac, ETH_IPV6,
                    ipv6(src_ip, dst_ip, first, before + message, hop_limit))


def tagged(frame, vlan, tpid=0x8100):
    """The frame with a VLAN tag (the whole TCI) in it."""
    return frame[:12] + struct.pack("!HH", tpid, vlan) + frame[12:]
