# SPDX-License-Identifier: Apache-2.0
"""A controller that answers what a test tells it to, and remembers what it
was asked. HTTP/1.1 on a unix socket, or on loopback TCP."""
import contextlib
import http.server
import json
import os
import socketserver
import threading


class Request:
    def __init__(self, handler, body):
        self.method = handler.command
        self.path, _, self.query = handler.path.partition("?")
        self.headers = dict(handler.headers.items())
        self.raw = body
        self.body = json.loads(body) if body else None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "peer"

    def log_message(self, *args):
        pass

    def answer(self):
        size = int(self.headers.get("Content-Length", "0"))
        request = Request(self, self.rfile.read(size))
        self.server.requests.append(request)
        status, reply = self.server.reply(request)
        if reply is None:
            data = b""
        elif isinstance(reply, (bytes, list)):
            data = reply
        else:
            data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if isinstance(data, list):      # a stream: pieces, then a cut
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for piece in data:
                self.wfile.write(piece)
            return
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST = answer


class FakeApi(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """replies: {"GET /v1/ports": (200, {...})}, a value may be a function of
    the request; what is not there is 404 in the API's form."""
    daemon_threads = True

    def __init__(self, path):
        self.requests = []
        self.replies = {}
        super().__init__(path, Handler)

    def reply(self, request):
        answer = self.replies.get(f"{request.method} {request.path}")
        if callable(answer):
            answer = answer(request)
        return answer or error(404, "not_found", "", "there is no such thing")

    def get_request(self):
        request, _ = super().get_request()
        return request, ("peer", 0)

    def handle_error(self, request, client_address):
        pass                            # a client may hang up


class FakeTcpApi(FakeApi):
    address_family = 2                  # AF_INET

    def __init__(self):
        super().__init__(("127.0.0.1", 0))


def error(status, code, field, message):
    return status, {"error": {"code": code, "field": field,
                              "message": message}}


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever,
                              kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        if isinstance(server.server_address, str):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(server.server_address)
