"""A live decoder as mne-rt takes one."""

import sys

# Modules that have every attribute one asks for; a package below mne-rt clears the
# warnings of all modules that have some when it is imported, and fails at these.
INVENTIVE = ("torch.ops", "torch.classes")


def import_mne_rt():
    """Return mne_rt, also where torch was imported before it."""
    hidden = {name: sys.modules.pop(name) for name in INVENTIVE if name in sys.modules}
    try:
        import mne_rt
    except ImportError as error:
        raise ImportError(
            "This needs mne-rt and one of the Qt packages that it draws with: "
            "pip install mne-rt PyQt6."
        ) from error
    finally:
        sys.modules.update(hidden)
    return mne_rt


def make_rt_decoder(live, ch_names, sfreq):
    """Return an ``mne_rt.RTDecode`` around a :class:`LiveDecoder`.

    Parameters
    ----------
    live : LiveDecoder
        The decoder, of classes.
    ch_names : list of str
        The channels of the windows that it will be asked about.
    sfreq : float
        Their sampling rate in Hz.
    """

    class DuINDecode(import_mne_rt().RTDecode):
        """Asks the live decoder about windows of raw samples."""

        def __init__(self):
            super().__init__()
            self.classes_ = live.decoder.classes_
            self.n_channels_ = len(ch_names)

        def fit(self, X, y, verbose=None):
            """Refuse, because the decoder is fitted already."""
            raise NotImplementedError("The decoder is fitted; fit another one in MNE.")

        def predict_proba(self, window):
            """Return the probabilities at the end of a window (n_channels, n_times)."""
            return live.predict_window(window, ch_names, sfreq)

        def predict(self, window):
            """Return the most probable label at the end of a window."""
            return self.classes_[int(self.predict_proba(window).argmax())]

    return DuINDecode()
