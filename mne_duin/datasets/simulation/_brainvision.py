"""BrainVision files whose bytes depend on nothing but what is written.

``pybv`` stamps its version into the header and cuts off instead of rounding when it
writes integers; for files that have to come out the same everywhere neither will do.
"""

import numpy as np

RESOLUTION = 0.1  # microvolts per step of the 16-bit integers
HEADER = """\
Brain Vision Data Exchange Header File Version 1.0
; Written by mne_duin

[Common Infos]
Codepage=UTF-8
DataFile={stem}.eeg
MarkerFile={stem}.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={n_channels}
; Sampling interval in microseconds
SamplingInterval={interval}

[Binary Infos]
BinaryFormat=INT_16

[Channel Infos]
; Ch<number>=<name>,<reference>,<resolution>,<unit>
{channels}
"""
MARKERS = """\
Brain Vision Data Exchange Marker File, Version 1.0

[Common Infos]
Codepage=UTF-8
DataFile={stem}.eeg

[Marker Infos]
; Mk<number>=<type>,<description>,<position>,<size>,<channel, 0 for all>
{markers}
"""


def write_brainvision(path, raw, samples, values):
    """Write a recording as 16-bit BrainVision files.

    Parameters
    ----------
    path : Path
        The ``.vhdr`` file; ``.vmrk`` and ``.eeg`` are put next to it.
    raw : Raw
        The recording.
    samples, values : array of int, shape (n_events,)
        Sample (counted from 0) and number of each stimulus.

    Raises
    ------
    ValueError
        If the signal does not fit into 16 bits at 0.1 microvolts per step.
    """
    steps = np.rint(raw.get_data() * (1e6 / RESOLUTION))
    if np.abs(steps).max() > np.iinfo("<i2").max:
        peaks = np.abs(steps).max(axis=1) * RESOLUTION
        raise ValueError(
            f"Channel {raw.ch_names[peaks.argmax()]} reaches {peaks.max():.0f} "
            f"microvolts, which does not fit into 16 bits at {RESOLUTION} microvolts "
            "per step."
        )
    path.with_suffix(".eeg").write_bytes(steps.T.astype("<i2").tobytes())
    channels = [
        f"Ch{number}={name},,{RESOLUTION},µV"
        for number, name in enumerate(raw.ch_names, start=1)
    ]
    header = HEADER.format(
        stem=path.stem,
        n_channels=len(channels),
        interval=repr(1e6 / float(raw.info["sfreq"])),
        channels="\n".join(channels),
    )
    path.write_bytes(header.encode())
    markers = [
        f"Mk{number}=Stimulus,S{value:3d},{sample + 1},1,0"
        for number, (sample, value) in enumerate(
            zip(samples, values, strict=True), start=1
        )
    ]
    text = MARKERS.format(stem=path.stem, markers="\n".join(markers))
    path.with_suffix(".vmrk").write_bytes(text.encode())
