#!/usr/bin/python3
"""Receives webhooks of vxfabricd: checks who sent it and when, drops what it
has seen, prints the rest.
  receiver.py PORT SECRET-FILE
with `webhook = http://ADDRESS:PORT/ SECRET-FILE` in vxfabric.conf. Behind a
proxy that speaks TLS, or on a trusted network: the signature protects from
forgery, not from readers."""
import hashlib
import hmac
import http.server
import sys
import time

MAX_BODY, MAX_AGE_S, MAX_SEEN = 64 * 1024, 300, 100000


class Handler(http.server.BaseHTTPRequestHandler):
    seen = {}                   # runs, oldest first

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        size = int(self.headers.get("Content-Length", 0))
        stamp = self.headers.get("X-Vxfabric-Timestamp", "")
        if size > MAX_BODY or not stamp.isdigit():
            return self.answer(400)
        body = self.rfile.read(size)
        want = "v1=" + hmac.new(self.server.secret, stamp.encode() + b"."
                                + body, hashlib.sha256).hexdigest()
        if (not hmac.compare_digest(
                want, self.headers.get("X-Vxfabric-Signature", ""))
                or abs(time.time() - int(stamp)) > MAX_AGE_S):
            return self.answer(403)
        run = self.headers.get("X-Vxfabric-Run")
        if run not in self.seen:
            print(body.decode(), flush=True)    # here: what is to be done
            self.seen[run] = True
            if len(self.seen) > MAX_SEEN:
                del self.seen[next(iter(self.seen))]
        return self.answer(204)

    def log_message(self, *_args):
        pass


def main():
    port, secret_file = int(sys.argv[1]), sys.argv[2]
    server = http.server.ThreadingHTTPServer(("", port), Handler)
    with open(secret_file, "rb") as file:
        server.secret = file.read().rstrip(b"\r\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
