"""Writers of small files whose every byte a test can choose."""

import numpy as np


def write_edf(path, signals, *, kind="EDF+C", notes=(), begins=None, unit="uV"):
    """Write EDF with records of one second.

    ``signals`` are tuples of name, volts and rate; ``notes`` of onset and bytes;
    ``begins`` are the onsets of the records in seconds.
    """
    n_records = int(min(len(volts) / rate for _, volts, rate in signals))
    begins = range(n_records) if begins is None else begins
    count, width = len(signals) + 1, 120

    def text(value, size):
        return str(value)[:size].ljust(size).encode("latin-1")

    def row(values, size):
        return b"".join(text(value, size) for value in values)

    names = [name for name, _, _ in signals] + ["EDF Annotations"]
    sizes = [int(rate) for _, _, rate in signals] + [width // 2]
    head = text("0", 8) + text("X X X X", 80)
    head += text("Startdate 01-JAN-2020 X X X", 80) + text("01.01.20", 8)
    head += text("00.00.00", 8) + text(256 * (count + 1), 8) + text(kind, 44)
    head += text(n_records, 8) + text(1, 8) + text(count, 4)
    head += row(names, 16) + row([""] * count, 80) + row([unit] * (count - 1) + [""], 8)
    for limits in (-1000, -1), (1000, 1), (-32768, -32768), (32767, 32767):
        head += row([limits[0]] * (count - 1) + [limits[1]], 8)
    head += row([""] * count, 80) + row(sizes, 8) + row([""] * count, 32)
    body = []
    for index, begin in zip(range(n_records), begins, strict=True):
        for (_, volts, _), size in zip(signals, sizes, strict=False):
            values = volts[index * size : (index + 1) * size] * 1e6
            counts = np.round((values + 1000) * 65535 / 2000 - 32768)
            body.append(np.clip(counts, -32768, 32767).astype("<i2").tobytes())
        marks = b"+%g\x14\x14\x00" % begin
        for onset, word in notes:
            if begin <= onset < begin + 1:
                marks += b"+%g\x150.5\x14" % onset + word + b"\x14\x00"
        body.append(marks.ljust(width, b"\x00"))
    path.write_bytes(head + b"".join(body))


def write_brainvision(path, data, names, *, interval, unit="µV", markers=()):
    """Write a BrainVision recording of 32-bit numbers; ``data`` in volts.

    ``markers`` are tuples of type, description and sample, counted from 1.
    """
    stem = path.stem
    (data * 1e6).T.astype("<f4").tofile(path.with_suffix(".eeg"))
    channels = "\n".join(f"Ch{i}={n},,1,{unit}" for i, n in enumerate(names, 1))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={stem}.eeg\nMarkerFile={stem}.vmrk\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\n"
        f"NumberOfChannels={len(names)}\nSamplingInterval={interval}\n\n"
        f"[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n\n[Channel Infos]\n{channels}\n",
        encoding="utf-8",
    )
    lines = [
        f"Mk{i}={kind},{word},{sample},1,0"
        for i, (kind, word, sample) in enumerate(markers, 2)
    ]
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n\n[Common Infos]\n"
        f"Codepage=UTF-8\nDataFile={stem}.eeg\n\n[Marker Infos]\n"
        "Mk1=New Segment,,1,1,0,20200101000000000000\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )
