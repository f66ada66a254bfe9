"""A fake Hugging Face Hub: data sets and models in memory, behind the part of the HTTP API that they need."""

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_API = re.compile(r"/api/(datasets|models)/([^/]+/[^/]+)(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?")


@contextmanager
def hub(datasets=None, models=None, tokens=None):
    """Serve data sets and models, `{"owner/name": {"path": bytes}}`, each with one revision, `main`.

    Yields the endpoint and a list of the requests so far. A repository that is None gives a server error.
    `tokens` maps private repositories to the token they require.
    """
    requests = []
    served = {"datasets": datasets or {}, "models": models or {}}
    handler = type("Handler", (_Handler,), {"served": served, "tokens": tokens or {}, "requests": requests})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: dict
    tokens: dict
    requests: list

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer()

    do_HEAD = do_GET  # noqa: N815 - the name is given by http.server

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _answer(self, body=b""):
        path = unquote(urlsplit(self.path).path)
        self.requests.append(f"{self.command} {path}")
        if match := _API.fullmatch(path):
            kind, repository, method, revision, inside = match.groups()
            if (files := self._files(kind, repository, revision)) is not None:
                self._api(repository, files, method, inside, body)
        elif match := _FILE.fullmatch(path):
            kind, repository, revision, name = match.groups()
            if (files := self._files("datasets" if kind else "models", repository, revision)) is not None:
                self._file(files, name)
        else:
            self._send(404, b"", {})

    def _files(self, kind, repository, revision):
        """Return the files of a repository, or None after sending an error response."""
        files = self.served[kind].get(repository, ...)
        token = self.tokens.get(repository)
        if files is None:
            self._send(500, b"", {})
        elif files is ... or (token and self.headers.get("Authorization") != f"Bearer {token}"):
            self._send(404 if files is ... else 401, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in (None, "main", commit(files)):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return files
        return None

    def _file(self, files, path):
        if path not in files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit(files)})
        else:
            etag = hashlib.sha1(files[path]).hexdigest()
            self._send(200, files[path], {"ETag": f'"{etag}"', "X-Repo-Commit": commit(files)})

    def _api(self, repository, files, method, path, body):
        if method == "paths-info":
            paths = parse_qs(body.decode())["paths"] if body[:1] != b"{" else json.loads(body)["paths"]
            self._json([entry for entry in _tree(files) if entry["path"] in paths])
        elif method == "tree":
            self._json(
                [entry for entry in _tree(files) if entry["path"].startswith(f"{path}/" if path else "")]
            )
        else:
            siblings = [{"rfilename": name, "size": len(content)} for name, content in files.items()]
            info = {"id": repository, "sha": commit(files), "private": False, "siblings": siblings}
            self._json({**info, "tags": []})

    def _json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, code, body, headers):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def commit(files):
    """Return the commit hash of a repository."""
    state = {name: hashlib.sha1(content).hexdigest() for name, content in files.items()}
    return hashlib.sha1(json.dumps(state).encode()).hexdigest()


def _tree(files):
    """Yield the files and folders of a repository as the API lists them."""
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
