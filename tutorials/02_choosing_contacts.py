"""
02. Choosing contacts by region
===============================

Shafts are placed for clinical reasons, so most contacts are far from speech areas. The
authors of Du-IN keep about ten of a hundred channels and show that more channels
decrease accuracy. This tutorial chooses contacts by anatomy, before any decoding.
"""

# %%
# Labels
# ------
#
# Every contact gets the label of the nearest gray matter, up to 5 mm away. Two atlases
# are bundled; they need coordinates in a template space (MNI or fsaverage) or
# Talairach. For coordinates in a patient's own space, use the FreeSurfer folder
# (``fs_subject=`` and ``subjects_dir=``). :doc:`/contacts` describes further sources of
# labels.

import matplotlib.pyplot as plt
import mne
import numpy as np

from mne_duin import (
    REGIONS,
    RegionSelector,
    assign_labels,
    assign_regions,
    find_recordings,
    parse_contact,
    plot_contacts,
    read_contacts,
    read_epochs,
    reference_bipolar,
    sample_data_path,
    view_contacts,
)

mne.set_log_level("WARNING")
paths = find_recordings(sample_data_path(), subject="01", task="wordreading")

contacts = assign_labels(read_contacts(paths[0]))
columns = ["x", "y", "z", "label", "label_distance", "label_probability"]
contacts[columns].head(8).round(2)

# %%
# ``label_distance`` is the distance to this gray matter in mm. It is zero inside gray
# matter and larger for contacts in white matter.
#
# The position of a contact in a template is uncertain by some millimeters.
# ``label_probability`` takes this into account: it is the fraction of gray matter
# around the contact with this label. ``label_candidates`` lists alternatives:

print(contacts["label_candidates"].iloc[:3].to_string())

# %%
# For contacts without a label, ``label_reason`` gives the reason.
#
# Atlases differ in their borders. The second bundled atlas is finer:

fine = assign_labels(read_contacts(paths[0]), atlas="destrieux")
print(fine.loc[contacts.index[:5], "label"].to_string())

# %%
# Regions
# -------
#
# A region is a named set of labels. These regions are predefined:

for name, region in REGIONS.items():
    if not name.endswith(("-lh", "-rh")):
        print(f"{name:12s} {region['description']}")

# %%
# **vSMC**, the ventral sensorimotor cortex, controls lips, jaw, tongue and larynx. In
# the atlases, the pre- and postcentral gyri extend from the representation of the foot
# to that of the tongue, so this region also has an upper limit in z.
#
# **STG** is the superior temporal gyrus with the auditory cortex. It responds to sound,
# including the patient's own voice. Words decoded from STG *during* speech may
# therefore be decoded from hearing.

contacts = assign_regions(contacts, ("vSMC", "STG"))
print(contacts["region"].value_counts(dropna=False).to_string())

# %%
# A contact is assigned to the most probable region, summed over the labels of the
# region. To keep only contacts that are probably in the region, set
# ``min_probability``:

sure = assign_regions(contacts, ("vSMC", "STG"), min_probability=0.8)
print(sure[["region", "region_probability"]].dropna().to_string())

# %%
plot_contacts(contacts, title="vSMC and STG, subject 01")

# %%
# :func:`~mne_duin.view_contacts` makes an interactive 3-D view. A notebook displays it;
# in a script, save it with ``view.save("contacts.html")``.

view = view_contacts(contacts, title="Subject 01")
print(type(view).__name__)

# %%
# Define your own regions with a dict of labels. It can include predefined regions.

own = {
    "mouth": {"rules": [{"region": "vSMC", "hemisphere": "L"}]},
    "insula": ["insula"],
}
print(assign_regions(contacts, own)["region"].value_counts().to_string())

# %%
# References
# ----------
#
# All contacts are recorded against the same reference electrode, so its signal is in
# every channel. The difference of neighboring contacts removes this signal and keeps
# local activity. A channel is then a *pair* of contacts:

epochs, raw_contacts = read_epochs(paths[:1], reference="none", align="response_time")
bipolar, pairs = reference_bipolar(epochs, raw_contacts)
print(f"{len(epochs.ch_names)} contacts, {len(bipolar.ch_names)} pairs")
pairs[["anode", "cathode", "label", "label_rule"]].head(5)

# %%
# Only neighbors are paired. No pair is made across a bad or missing contact unless you
# allow it with ``max_gap=``. If positions are known, two contacts are neighbors if no
# third contact lies between them and their distance is at most twice the distance of
# each to its nearest neighbor. Therefore no pair joins the end of one row of a grid
# with the start of the next. ``max_distance=`` sets a limit in millimeters instead.
# Shaft and number are read from the name, including primes:

print(parse_contact("TI'4"))

# %%
# The effect of the reference is visible in the correlations between channels before and
# after. Squares along the diagonal are shafts.

fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), layout="constrained")
for ax, inst, title in (
    (axes[0], epochs, "Common reference"),
    (axes[1], bipolar, "Bipolar"),
):
    signals = inst.get_data().transpose(1, 0, 2).reshape(len(inst.ch_names), -1)
    image = ax.imshow(np.abs(np.corrcoef(signals)), vmin=0, vmax=1, cmap="magma_r")
    ax.set(title=title, xlabel="Channel", ylabel="Channel")
fig.colorbar(image, ax=axes, label="|correlation|")

# %%
# ``read_epochs`` applies the bipolar reference by default (``reference="bipolar"``).
# Alternatives are ``"laplacian"``, ``"shaft"``, ``"average"`` (all contacts),
# ``"white-matter"`` and ``"none"``. Recordings with bipolar channels such as ``A1-A2``
# are not referenced again.
#
# Select regions
# --------------
#
# Select regions while reading, which also saves memory:

chosen, chosen_contacts = read_epochs(
    paths, regions=("vSMC", "STG"), align="response_time"
)
print(f"{len(chosen_contacts)} channels kept: {', '.join(chosen.ch_names)}")

# %%
# If the contacts of a pair have different labels, ``label_rule`` states how the label
# of the pair was chosen.
#
# Alternatively, select regions in a pipeline. ``RegionSelector`` uses only anatomy, so
# no information about the trials can leak through it:

everything, table = read_epochs(paths, align="response_time")
selector = RegionSelector(table, regions="STG").fit(everything)
print("STG:", ", ".join(selector.ch_names_))

# %%
# Check the selection
# -------------------
#
# Anatomy predicts function only roughly. Therefore plot how much high-gamma power
# increases during speech in every channel.

rise = []
for low, high in ((-0.5, -0.2), (0.0, 0.6)):
    part = everything.copy().filter(70, 150).crop(low, high).get_data()
    rise.append(np.log10(part.var(-1)).mean(0) * 10)
rise = rise[1] - rise[0]
plot_contacts(table, values=rise, label="high gamma, speech − before (dB)")

# %%
# If you *select channels* by such a measure, do it within the training part of every
# fold. Selecting on all trials and testing on the same trials is circular.
#
# Next: :doc:`learn a codex </auto_tutorials/03_learning_a_codex>`, or continue with
# :doc:`decoding words </auto_tutorials/05_decoding_words>`.
