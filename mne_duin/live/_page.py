"""The newest results as a page, for this machine only."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

HOST = "127.0.0.1"


class StatusPage:
    """Serves a page with a status, on the loopback address.

    Parameters
    ----------
    status : LiveStatus
        What to show.
    port : int
        The port; 0 takes a free one.

    Attributes
    ----------
    url : str
        Where the page is.
    """

    def __init__(self, status, port=0):
        page = files("mne_duin.live").joinpath("page.html").read_bytes()

        class Handler(BaseHTTPRequestHandler):
            """Answers with the page or with the status as JSON."""

            def do_GET(self):  # noqa: N802
                """Answer a request."""
                if not self._is_local():
                    self.send_error(403)
                elif self.path == "/":
                    self._answer(page, "text/html; charset=utf-8")
                elif self.path == "/status.json":
                    text = json.dumps(status.to_dict(), ensure_ascii=False)
                    self._answer(text.encode(), "application/json")
                else:
                    self.send_error(404)

            def _is_local(self):
                # A page from elsewhere whose name leads here must not read along.
                host = self.headers.get("Host", "").rsplit(":", 1)[0]
                return host in (HOST, "localhost")

            def _answer(self, data, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format, *args):  # noqa: A002
                """Print nothing."""

        try:
            self._server = ThreadingHTTPServer((HOST, port), Handler)
        except OSError as error:
            raise OSError(
                f"Port {port} is in use; choose another one, or 0 for a free one."
            ) from error
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_address[1]}/"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        """Stop the page."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
