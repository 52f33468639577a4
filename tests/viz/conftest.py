import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

REGIONS = ("STG", "vSMC", "insula", None)


def build_contacts(n_shafts=4, per_shaft=7, side=-1, space="MNI152NLin2009bAsym"):
    """Straight lateral shafts; ``side`` 0 puts every other one on the right."""
    rows = []
    for shaft in range(n_shafts):
        sign = side or (-1) ** (shaft + 1)
        name = f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[shaft % 26]}{chr(39) * (sign < 0)}"
        for number in range(1, per_shaft + 1):
            rows.append(
                {
                    "name": f"{name}{number}",
                    "shaft": name,
                    "number": number,
                    "x": sign * (25.0 + 5 * number),
                    "y": -50.0 + 80 * shaft / max(n_shafts, 1),
                    "z": 5.0 + 3 * (shaft % 8),
                    "space": space,
                    "hemisphere": "L" if sign < 0 else "R",
                    "label": f"ctx-{shaft}-{number}",
                    "region": REGIONS[shaft % 4],
                }
            )
    return pd.DataFrame(rows).set_index("name")


@pytest.fixture
def contacts():
    return build_contacts()


@pytest.fixture
def make_contacts():
    return build_contacts


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")
