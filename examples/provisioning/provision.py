#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a provisioning service does: a tenant's network and its ports in one
atomic batch, then wait until a port is active. Standard library only.

    provision.py unix:/run/vxfabric/api.sock acme web 10.0.0.0/24 h1 h2

Run it twice: the second run changes nothing.
"""
import http.client
import json
import socket
import sys
from urllib.parse import quote


class Api:
    def __init__(self, address):
        kind, rest = address.split(":", 1)
        if kind == "unix":
            self.http = http.client.HTTPConnection("localhost")
            self.http.sock = socket.socket(socket.AF_UNIX)
            self.http.sock.connect(rest)
        else:
            self.http = http.client.HTTPConnection(rest)

    def call(self, method, path, body=None):
        self.http.request(method, path,
                          None if body is None else json.dumps(body))
        reply = self.http.getresponse()
        text = reply.read()
        answer = json.loads(text) if text else {}
        if reply.status >= 400:
            error = answer["error"]
            sys.exit(f"{error['code']}: {error['message']}")
        return reply.status, answer


def main():
    address, tenant, network, cidr, *hosts = sys.argv[1:]
    api = Api(address)
    base = f"/v1/tenants/{quote(tenant, '')}"
    net = f"{base}/networks/{quote(network, '')}"
    batch = [
        {"op": "PUT", "path": base, "body": {}},
        {"op": "PUT", "path": net, "body": {}},
        {"op": "PUT", "path": f"{net}/subnets/{quote(cidr, '')}", "body": {}},
    ]
    ports = []
    for number, host in enumerate(hosts, 1):
        path = f"{net}/ports/vm{number}"
        ports.append(path)
        batch.append({"op": "PUT", "path": path, "body": {"host": host}})
    _, answer = api.call("POST", "/v1/batch", batch)
    print(f"revision {answer['revision']}")
    for path in ports:
        _, port = api.call("GET", path)
        print(f"{port['name']}: {port['mac']} {' '.join(port['ips'])} on "
              f"{port['host']}, VNI {port['vni']}, {port['status']} "
              f"{port['reason']}")
        # Here the VM is started with this MAC, plugged with iface_id, and
        #   GET is replaced by  PUT path?wait=30  which answers 200 when it
        # is active, 202 when it is not yet.


if __name__ == "__main__":
    main()
