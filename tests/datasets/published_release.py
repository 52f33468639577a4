"""A small release in the published layout, and pickles that would do harm."""

import pickle
import sys
import types

import numpy as np

WORDS = ("嘴巴", "把", "菠萝")
NAMES = ["SM8", "SM9", "SM7", "SM11", "P4", "SM10", "SM6", "P3", "SM5", "CI9", "TI'1"]


class DotDict(dict):
    """As the published one: a dict whose items are attributes."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    __setattr__ = dict.__setitem__


class Modules:
    """While it lasts, the stand-in class has the published module name."""

    def __init__(self, module):
        self.module = module

    def __enter__(self):
        self.earlier = {n: sys.modules.get(n) for n in ("utils", "utils.DotDict")}
        sys.modules["utils"] = types.ModuleType("utils")
        sys.modules["utils.DotDict"] = types.ModuleType("utils.DotDict")
        sys.modules["utils"].DotDict = sys.modules["utils.DotDict"]
        sys.modules[self.module].DotDict = DotDict
        DotDict.__module__, self.name = self.module, DotDict.__module__

    def __exit__(self, *details):
        DotDict.__module__ = self.name
        for name, module in self.earlier.items():
            del sys.modules[name]
            if module is not None:
                sys.modules[name] = module


def dumps(content, *, module="utils.DotDict", protocol=4):
    with Modules(module):
        return pickle.dumps(content, protocol)


def write_run(root, subject, run, *, n_trials=6, names=NAMES, seed=0, **options):
    """Write a run; the trials as they were made are returned."""
    random = np.random.default_rng([seed, run])
    trials = [
        DotDict(
            name=WORDS[index % len(WORDS)],
            data_s=1e-5 * random.standard_normal((len(names), 300)),
        )
        for index in range(n_trials)
    ]
    folder = root / f"data/seeg.he2023xuanwu/{subject}/word-recitation/run{run}"
    folder = folder / "dataset.bipolar.default.unaligned"
    folder.mkdir(parents=True)
    (folder / "data").write_bytes(dumps(trials, **options))
    info = DotDict(ch_names=list(names))
    (folder / "info").write_bytes(dumps(info, **options))
    return trials


def run_folder(root, run, subject="001"):
    task = root / f"data/seeg.he2023xuanwu/{subject}/word-recitation"
    return task / f"run{run}" / "dataset.bipolar.default.unaligned"


def write_segments(root, subject="001", n_segments=3):
    """Write pre-training segments; the signals are returned by path."""
    random = np.random.default_rng(1)
    folder = root / f"data/seeg.he2023xuanwu/{subject}/pretrain/dataset.default.1000hz"
    written = {}
    for index in range(n_segments):
        path = folder / f"task{index % 2}" / f"{index}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        signals = random.standard_normal((2, len(NAMES), 400)).astype(np.float32)
        np.save(path, signals)
        written[str(path.relative_to(folder))] = signals
    (folder / "info").write_bytes(dumps(DotDict(ch_names=NAMES)))
    return folder, written
