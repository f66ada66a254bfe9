"""A server that sends any bytes as an answer, valid HTTP or not, and counts them."""

import socket
import threading
from contextlib import contextmanager, suppress


class RawServer:
    """`answer(path)` returns bytes, or yields them; after that the connection is closed.

    Attributes:
        url: the address of the server.
        requests: the requests so far, as text.
        sent: how many bytes were sent.
    """

    def __init__(self, answer):
        self._answer, self.requests, self.sent = answer, [], 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads, self._closed = [], threading.Event()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "the client keeps a connection open"

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with connection, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                part = connection.recv(1 << 16)
                if not part:
                    return
                request += part
            self.requests.append(request.decode())
            answer = self._answer(request.split(b" ", 2)[1].decode())
            for block in [answer] if isinstance(answer, bytes) else answer:
                if self._closed.is_set():
                    return
                connection.sendall(block)
                self.sent += len(block)


@contextmanager
def serve(answer):
    """Run a server with these answers."""
    server = RawServer(answer)
    try:
        yield server
    finally:
        server.close()


def http(body=b"", *headers, status="200 OK", length=True):
    """Return an HTTP answer; `headers` are `Name: value`."""
    size = [f"Content-Length: {len(body)}"] if length else []
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, *size, "", ""]).encode() + body
