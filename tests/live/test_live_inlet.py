"""A stream that is found, but is just ending."""

import socket
from types import SimpleNamespace

import pytest

from mne_duin.live import _stream


class EndingInlet:
    """What mne-lsl returns of a stream whose amplifier is switched off."""

    def __init__(self, info, **options):
        self.is_open = False

    def open_stream(self, timeout):
        self.is_open = True

    def get_sinfo(self, timeout):
        raise RuntimeError("The stream connection has been lost.")


def test_a_stream_that_is_ending_is_a_connection_that_is_lost(monkeypatch):
    info = SimpleNamespace(
        uid="1", name="amplifier", hostname=socket.gethostname(), sfreq=256.0
    )
    module = SimpleNamespace(
        resolve_streams=lambda *_, **__: [info], StreamInlet=EndingInlet
    )
    monkeypatch.setattr(_stream, "lsl", lambda: module)
    with pytest.raises(ConnectionError, match="was found but does not answer"):
        _stream.Inlet("amplifier", timeout=0.1)
