"""Sphinx configuration; ``make docs`` at the top of the repository builds the pages."""

import os
import re
import sys
import warnings
from pathlib import Path

import pandas as pd
from docutils import nodes

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("MNE_LOGGING_LEVEL", "WARNING")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from draw_architecture import write_architecture  # noqa: E402
from draw_curves import write_curves  # noqa: E402
from draw_model import write_drawings  # noqa: E402
from draw_verdict import write_verdict  # noqa: E402
from make_inventories import OBJECTS  # noqa: E402
from measure_parity import write_parity  # noqa: E402
from opponent_tables import write_opponents  # noqa: E402
from public_names import public_objects  # noqa: E402
from publish_pages import SITE  # noqa: E402
from steps_tables import write_memory  # noqa: E402

import mne_duin  # noqa: E402

project = "mne_duin"
author = "the mne_duin developers"
copyright = "the mne_duin developers, BSD-3-Clause"
release = version = mne_duin.__version__

extensions = [
    "mathtext",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
]
exclude_patterns = ["_build", "_inv", "binder", "auto_tutorials/*.ipynb"]
templates_path = ["_templates"]
default_role = None
nitpicky = True
bibtex_bibfiles = ["references.bib"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

# Only the local inventories are read, so that the pages build without a network; the
# links in them lead to the real sites. make_inventories.py writes them.
SITES = {
    "python": "https://docs.python.org/3",
    "numpy": "https://numpy.org/doc/stable",
    "pandas": "https://pandas.pydata.org/docs",
    "matplotlib": "https://matplotlib.org/stable",
    "sklearn": "https://scikit-learn.org/stable",
    "mne": "https://mne.tools/stable",
    "mne_bids": "https://mne.tools/mne-bids/stable",
    "torch": "https://docs.pytorch.org/docs/stable",
}
intersphinx_mapping = {name: (site, f"_inv/{name}.inv") for name, site in SITES.items()}

PUBLIC = public_objects()

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    "Epochs": "mne.Epochs",
    "Info": "mne.Info",
    "Raw": "mne.io.Raw",
    "DataFrame": "pandas.DataFrame",
    "Series": "pandas.Series",
    "Figure": "matplotlib.figure.Figure",
    "Axes": "matplotlib.axes.Axes",
    "Path": "pathlib.Path",
    "Tensor": "torch.Tensor",
    "ndarray": "numpy.ndarray",
    "RandomState": "numpy.random.RandomState",
    "FrozenEstimator": "sklearn.frozen.FrozenEstimator",
    "path-like": ":term:`python:path-like object`",
} | {name: full for name, full in PUBLIC.items() if not name.islower()}
numpydoc_xref_aliases |= {
    name: f":obj:`{name}`"
    for objects in OBJECTS.values()
    for name, role, _ in objects
    if role.startswith("py:") and "." in name
}

# The version under which the pages are published (publish_pages.py); the switcher of
# versions needs a server, so pages that are built to be read locally have none.
PUBLISHED = os.environ.get("DOCS_VERSION")
SITE = os.environ.get("DOCS_SITE", SITE)
BINDER = {
    "org": "mne-duin",
    "repo": "mne-duin",
    "branch": "gh-pages",
    "binderhub_url": "https://mybinder.org",
    "dependencies": ["binder/requirements.txt"],
    "filepath_prefix": PUBLISHED or "dev",
    "use_jupyter_lab": True,
}
COLAB = (
    "https://colab.research.google.com/github/{org}/{repo}/blob/{branch}/"
    "{filepath_prefix}/notebooks/{page}.ipynb"
)

sphinx_gallery_conf = {
    "binder": BINDER,
    "first_notebook_cell": (
        "# On Google Colab, install the package first:\n"
        "# %pip install 'mne-duin[baselines] @ "
        "git+https://github.com/mne-duin/mne-duin'\n"
        "%matplotlib inline"
    ),
    "examples_dirs": "../tutorials",
    "gallery_dirs": "auto_tutorials",
    "filename_pattern": r"[\\/]\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("mne_duin",),
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "write_computation_times": False,
    "show_memory": False,
    "min_reported_time": 0,
    "download_all_examples": False,
    "remove_config_comments": True,
    "thumbnail_size": (400, 280),
    "image_srcset": ["2x"],
    "ignore_repr_types": r"matplotlib\.|'list'",
}

html_math_renderer = "mathtext"
html_theme = "pydata_sphinx_theme"
html_title = "mne_duin"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_js_files = ["figures.js"]
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "mne_duin"},
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 3,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version", "theme-version"],
}
if PUBLISHED:
    html_theme_options |= {
        "switcher": {
            "json_url": f"{SITE}/versions.json",
            "version_match": PUBLISHED,
        },
        "check_switcher": False,
        "show_version_warning_banner": True,
        "navbar_start": ["navbar-logo", "version-switcher"],
    }
# Pages without pages below them would have an empty sidebar.
ALONE = (
    "architecture changes/latest checks citing cluster contacts contributing fidelity "
    "files glossary index licenses live paper results ten_minutes troubleshooting"
)
html_sidebars = {page: [] for page in ALONE.split()}

# Of the gallery and the notices of libraries, not of the pages.
warnings.filterwarnings("ignore", message=".*Agg, and thus cannot be shown.*")

# The tutorials print warnings as a user reads them, without the path of the package.
warnings.formatwarning = lambda message, kind, *_, **__: f"{kind.__name__}: {message}\n"


def skip_foreign(app, what, name, obj, skip, options):
    """Leave out what classes inherit from scikit-learn, torch and Python."""
    function = getattr(obj, "fget", None) or getattr(obj, "func", obj)
    module = getattr(function, "__module__", None)
    return None if module is None or module.startswith("mne_duin") else True


def find_public(app, env, node, contnode):
    """Resolve a short name of the docstrings to the page of the public name."""
    name = node.get("reftarget", "").rpartition(".")[2]
    full = PUBLIC.get(name)
    if node.get("refdomain") != "py" or full is None or full == node["reftarget"]:
        return None
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", full, node, contnode
    )


def add_colab(app, docname, source):
    """Add a link to Colab to the downloads of a tutorial."""
    if not docname.startswith("auto_tutorials/"):
        return
    link = f"`Open in Colab <{COLAB.format(page=docname, **BINDER)}>`__"
    added = rf"\1.. container:: sphx-glr-colab\n\n\1  {link}\n\n\1\2"
    source[0] = re.sub(r"(?m)^( *)(\.\. container:: binder-badge)", added, source[0])


def turn_table(source, target):
    """Write a table of few rows and many columns with a row for each column."""
    pd.read_csv(source, sep="\t", dtype=str).T.to_csv(target, sep="\t", header=False)


NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
MOST_DECIMALS = 4


def align_numbers(app, doctree):
    """Mark columns of numbers, and give the decimals of a column the same length."""
    for table in doctree.findall(nodes.tbody):
        rows = [list(row.findall(nodes.entry)) for row in table.findall(nodes.row)]
        for column in zip(*rows, strict=False):
            known = [cell for cell in column if cell.astext()]
            if not known or not all(NUMBER.fullmatch(c.astext()) for c in known):
                _mark_text(column)
                continue
            for cell in column:
                cell["classes"].append("number")
            _pad_decimals(known)


def _mark_text(column):
    """Mark the cells of a column of phrases or sentences, which needs some width."""
    longest = max(len(cell.astext()) for cell in column)
    for cell in column if longest > 20 else ():
        cell["classes"].append("text" if longest > 60 else "phrase")


def _pad_decimals(cells):
    """Write 0.9 as 0.900 where the column has 0.857."""
    decimals = [len(cell.astext().partition(".")[2]) for cell in cells]
    if max(decimals) > MOST_DECIMALS:
        return
    for cell, n in zip(cells, decimals, strict=True):
        if n:
            text = next(cell.findall(nodes.Text))
            padded = cell.astext() + "0" * (max(decimals) - n)
            text.parent.replace(text, nodes.Text(padded))


def setup(app):
    """Connect the rules above; write what the pages are built from."""
    write_drawings(HERE / "generated" / "drawings")
    write_architecture(HERE / "generated" / "drawings" / "architecture.png")
    write_curves(HERE / "benchmarks/learning_curves.tsv", HERE / "generated/curves")
    write_verdict(HERE / "benchmarks/unit_speech.tsv", HERE / "generated")
    write_opponents(HERE / "benchmarks/honest_opponent.tsv", HERE / "generated")
    write_parity(HERE / "generated" / "parity.csv")
    write_memory(HERE / "benchmarks/steps.json", HERE / "generated/memory.csv")
    for name in ("live_latency", "live_talk"):
        turn_table(HERE / f"benchmarks/{name}.tsv", HERE / "generated" / f"{name}.tsv")
    app.connect("doctree-read", align_numbers)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("missing-reference", find_public)
    app.connect("source-read", add_colab)
    return {"parallel_read_safe": True}
