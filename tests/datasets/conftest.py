import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        settings = self.server.settings
        with settings.lock:
            settings.requests.append((self.path, self.headers.get("Range")))
            settings.open += 1
            settings.most_open = max(settings.most_open, settings.open)
        if settings.gate is not None:
            settings.gate.wait(timeout=60)
        # Before the answer: with it in hand a client may send its next request at any time.
        with settings.lock:
            settings.open -= 1
        self._answer(settings)

    def _answer(self, settings):
        if settings.errors.get(self.path):
            self.send_response(settings.errors[self.path].pop(0))
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        if self.path not in settings.files:
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        body = settings.files[self.path][start:]
        self.send_response(206 if start else 200)
        if start:
            whole = len(settings.files[self.path])
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: settings.stop_after.get(self.path)])

    def log_message(self, *args):
        pass


@pytest.fixture
def count_calls():
    """Return a function that counts the calls, of Python and of C, that another one makes."""

    def count(function):
        calls = 0

        def profile(frame, event, argument):
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(profile)
        try:
            function()
        finally:
            sys.setprofile(None)
        return calls

    return count


@pytest.fixture
def file_server():
    """A local HTTP server.

    Of the settings, `files` gives contents by path, `stop_after` where a transfer breaks off,
    `errors` the statuses that are answered first, and `gate` a barrier at which requests wait for
    each other; `requests` and `most_open` (requests without an answer) are for looking.
    """
    settings = SimpleNamespace(
        files={},
        stop_after={},
        errors={},
        gate=None,
        requests=[],
        open=0,
        most_open=0,
        lock=threading.Lock(),
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.settings = settings
    settings.url = f"http://127.0.0.1:{http.server_port}/"
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield settings
    http.shutdown()
    thread.join()
    http.server_close()
