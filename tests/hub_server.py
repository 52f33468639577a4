"""A Hugging Face Hub that serves one folder, for tests without a network."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0" * 40


class HubServer:
    """Serve the files of a folder as the only repository of a hub.

    Attributes
    ----------
    requests : list of str
        The paths that were asked for.
    """

    def __init__(self, folder):
        self.folder, self.requests = Path(folder), []
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = Thread(target=self.server.serve_forever, daemon=True)

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def files(self):
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *details):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        """Say nothing."""

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, *, with_body):
        path = self.path.partition("?")[0]
        self.hub.requests.append(path)
        status, body = self.content(path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if status == 404:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def content(self, path):
        if path.startswith("/api/"):
            if "/tree/" in path:
                return 200, json.dumps(self.tree()).encode()
            siblings = [{"rfilename": name} for name in self.hub.files()]
            info = {"id": "someone/something", "sha": COMMIT, "siblings": siblings}
            return 200, json.dumps(info).encode()
        name = path.partition("/resolve/")[2].partition("/")[2]
        if name in self.hub.files():
            return 200, (self.hub.folder / name).read_bytes()
        return 404, b"not found"

    def tree(self):
        return [
            {
                "type": "file",
                "path": name,
                "size": (self.hub.folder / name).stat().st_size,
                "oid": hashlib.sha1(name.encode()).hexdigest(),
            }
            for name in self.hub.files()
        ]
