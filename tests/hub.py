"""A stand-in for the Hugging Face Hub: data sets in memory, and what of its HTTP API reading them needs."""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/[^/]+/(.+)")
_API = re.compile(r"/api/datasets/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/[^/]+(?:/(.*))?)?")


@contextmanager
def hub(repositories):
    """Serve data sets, `{"owner/name": {"path": bytes}}`; gives the endpoint and a list of what is asked for.

    A data set that is None is answered with an error of the server.
    """
    asked = []
    handler = type("Handler", (_Handler,), {"repositories": repositories, "asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    repositories: dict
    asked: list

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer()

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body=b""):
        path = unquote(urlsplit(self.path).path)
        self.asked.append(f"{self.command} {path}")
        if found := _FILE.fullmatch(path):
            self._file(*found.groups())
        elif found := _API.fullmatch(path):
            self._api(*found.groups(), body)
        else:
            self._send(404, b"", {})

    def _file(self, repository, path):
        if self.repositories.get(repository, ...) is None:
            self._send(500, b"", {})
        elif repository not in self.repositories:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif path not in self.repositories[repository]:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        else:
            content = self.repositories[repository][path]
            etag = hashlib.sha1(content).hexdigest()
            self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _api(self, repository, what, path, body):
        files = self.repositories.get(repository, ...)
        if files is None:
            self._send(500, b"", {})
        elif files is ...:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif what == "paths-info":
            wanted = parse_qs(body.decode())["paths"] if body[:1] != b"{" else json.loads(body)["paths"]
            self._json([entry for entry in _tree(files) if entry["path"] in wanted])
        elif what == "tree":
            self._json(
                [entry for entry in _tree(files) if entry["path"].startswith(f"{path}/" if path else "")]
            )
        else:
            siblings = [{"rfilename": name} for name in files]
            self._json({"id": repository, "sha": COMMIT, "private": False, "siblings": siblings, "tags": []})

    def _json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, code, body, headers):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _tree(files):
    """The files and folders of a repository, as the API lists them."""
    folders = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
    for folder in sorted(folders):
        yield {
            "type": "directory",
            "path": folder,
            "oid": hashlib.sha1(folder.encode()).hexdigest(),
            "size": 0,
        }
    for name, content in files.items():
        yield {"type": "file", "path": name, "oid": hashlib.sha1(content).hexdigest(), "size": len(content)}
