"""Share fitted estimators on the Hugging Face Hub: one safetensors file and a card."""

from pathlib import Path
from tempfile import TemporaryDirectory

from mne.utils import warn

from mne_duin.estimators import _files
from mne_duin.utils._checks import check_type, import_optional

MODEL, CARD = "model.safetensors", "README.md"
PRIVACY = (
    "The file holds the channel names, scales, labels, names of subjects and runs, the "
    "training history and a fingerprint of the data. Contact names and scales describe "
    "a patient's implantation, and weights can tell about the data they were trained "
    "on: publish them only if consent and your ethics board allow it."
)


def push(estimator, repo_id, *, licence, private, token, endpoint):
    """Upload an estimator."""
    check_type("repo_id", repo_id, str)
    purpose = "upload estimators"
    hub = import_optional("huggingface_hub", extra="hub", purpose=purpose)
    if not private:
        warn(f"{repo_id} can be read by everyone. {PRIVACY}")
    with TemporaryDirectory() as folder:
        _files.save(estimator, Path(folder) / MODEL)
        text = write_card(estimator, repo_id, licence)
        (Path(folder) / CARD).write_text(text, encoding="utf-8")
        api = hub.HfApi(endpoint=endpoint, token=token)
        url = api.create_repo(repo_id, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            commit_message=f"Upload {type(estimator).__name__}",
        )
    return str(url)


def write_card(estimator, repo_id, licence):
    """Describe an estimator for those who find it."""
    _, meta = _files.to_state(estimator)
    learned = meta["learned"]
    rows = meta["parameters"] | {
        "sampling rate": f"{learned['sfreq']:g} Hz",
        "channels": ", ".join(learned["ch_names"]),
        "subjects": len(learned["subjects"]),
        "passes": learned["n_iter"],
    }
    if "classes" in learned:
        rows["classes"] = ", ".join(map(str, learned["classes"]))
    rows |= {f"version of {name}": text for name, text in meta["versions"].items()}
    table = "".join(f"| {name} | {_cell(value)} |\n" for name, value in rows.items())
    return f"""---
license: {licence or "other"}
library_name: mne-duin
tags: [sEEG, iEEG, speech-decoding, du-in]
---

# {meta["class"]} ({repo_id})

A Du-IN network (Zheng et al., NeurIPS 2024) for intracranial sEEG, trained with
mne_duin. {"" if licence else "No licence was stated, so all rights are reserved."}

```python
from mne_duin import from_pretrained

estimator = from_pretrained("{repo_id}")
```

| | |
|---|---|
{table}
## Before you share it

{PRIVACY}
"""


def _cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")


def find_model(repo_id_or_folder, *, revision, token, cache_dir, endpoint):
    """Find the file of an estimator in a folder, or download it."""
    folder = Path(check_type("repo_id_or_folder", repo_id_or_folder, (str, Path)))
    if folder.is_dir():
        if not (folder / MODEL).is_file():
            raise FileNotFoundError(f"There is no {MODEL} in {str(folder)!r}.")
        return folder / MODEL
    if isinstance(repo_id_or_folder, Path) or repo_id_or_folder.count("/") != 1:
        raise FileNotFoundError(
            f"{str(repo_id_or_folder)!r} is neither a folder nor of the form "
            "'owner/name'."
        )
    purpose = "download estimators"
    hub = import_optional("huggingface_hub", extra="hub", purpose=purpose)
    options = {"revision": revision, "token": token, "cache_dir": cache_dir}
    try:
        path = hub.hf_hub_download(
            repo_id_or_folder, MODEL, endpoint=endpoint, **options
        )
    except (hub.errors.RepositoryNotFoundError, hub.errors.EntryNotFoundError) as error:
        raise FileNotFoundError(
            f"The hub has no {MODEL} in {repo_id_or_folder!r}, or not for you "
            f"({type(error).__name__})."
        ) from error
    return Path(path)
