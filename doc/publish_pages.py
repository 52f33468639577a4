"""Put built pages into a checkout of the branch that is published.

Every version has a folder of its own; ``versions.json`` lists them for the switcher,
and ``index.html`` leads to the newest release, or to ``dev`` before the first one::

    python doc/publish_pages.py doc/_build/html gh-pages dev
"""

import json
import re
import shutil
import sys
from pathlib import Path

SITE = "https://mne-duin.github.io/mne-duin"
VERSION = re.compile(r"dev|\d+(\.\d+)*")
REDIRECT = (
    '<!DOCTYPE html><meta charset="utf-8"><title>mne_duin</title>'
    '<meta http-equiv="refresh" content="0; url={0}/index.html">'
    '<a href="{0}/index.html">mne_duin</a>\n'
)


def publish(html, branch, version, site=SITE):
    """Add or replace one version of the pages.

    Parameters
    ----------
    html : path-like
        The built pages.
    branch : path-like
        The checkout of the published branch.
    version : str
        ``"dev"``, or a release such as ``"0.1.0"``.
    site : str
        Where the branch is published.
    """
    if not VERSION.fullmatch(version):
        raise ValueError(f"`version` must be 'dev' or a release; got {version!r}.")
    html, branch = Path(html), Path(branch)
    if not (html / "index.html").is_file():
        raise FileNotFoundError(f"There are no built pages in {str(html)!r}.")
    shutil.rmtree(branch / version, ignore_errors=True)
    shutil.copytree(html, branch / version)
    if (html / "binder").is_dir():
        # Binder reads its requirements at the top of the branch.
        shutil.copytree(html / "binder", branch / "binder", dirs_exist_ok=True)
    versions = list_versions(branch)
    newest = next((name for name in versions if name != "dev"), "dev")
    entries = [_entry(name, newest, site) for name in versions]
    (branch / "versions.json").write_text(json.dumps(entries, indent=2) + "\n")
    (branch / "index.html").write_text(REDIRECT.format(newest))
    (branch / ".nojekyll").touch()


def list_versions(branch):
    """Return the versions of a branch: dev first, then releases, newest first."""
    folders = [path.parent.name for path in Path(branch).glob("*/index.html")]
    releases = [name for name in folders if VERSION.fullmatch(name) and name != "dev"]
    releases.sort(key=lambda name: tuple(map(int, name.split("."))), reverse=True)
    return ["dev"] * ("dev" in folders) + releases


def _entry(name, newest, site):
    """Return what the switcher reads about one version."""
    label = f"{name} (stable)" if name == newest and name != "dev" else name
    entry = {"name": label, "version": name, "url": f"{site}/{name}/"}
    return entry | ({"preferred": True} if name == newest else {})


if __name__ == "__main__":
    publish(*sys.argv[1:])
