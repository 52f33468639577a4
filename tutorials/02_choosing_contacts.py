"""
02. Choosing contacts: regions, references, what vSMC and STG mean here
=======================================================================

Shafts are placed for the patient, not for the experiment: most contacts are far from
speech areas. The authors of Du-IN keep about ten of a hundred channels, and show that
more make it worse. This page is about choosing them by anatomy, openly and before
looking at results.
"""

# %%
# Labels
# ------
#
# Every contact gets the label of the grey matter at its place or nearest to it, up to 5
# mm away. The atlas is bundled; coordinates must be in a template space (MNI or
# fsaverage) or Talairach. For a patient's own space use the FreeSurfer folder
# (``fs_subject=`` and ``subjects_dir=``). :doc:`/contacts` lists what else is read.

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
contacts[["x", "y", "z", "label", "label_distance", "label_probability"]].head(8)

# %%
# ``label_distance`` is how far away that grey matter is. Zero is inside it; some
# millimetres mean that the contact lies in white matter next to it.
#
# The position of a contact in a template is uncertain by some millimetres.
# ``label_probability`` takes this into account: it is the fraction of grey matter
# around the contact that has the label. ``label_candidates`` lists the alternatives:

print(contacts["label_candidates"].iloc[:3].to_string())

# %%
# A contact without a label has a reason, in the column ``label_reason``.
#
# Atlases differ in their borders. The second bundled one is finer:

fine = assign_labels(read_contacts(paths[0]), atlas="destrieux")
print(fine.loc[contacts.index[:5], "label"].to_string())

# %%
# Regions
# -------
#
# A region is a named set of labels. The presets:

for name, region in REGIONS.items():
    if not name.endswith(("-lh", "-rh")):
        print(f"{name:12s} {region['description']}")

# %%
# **vSMC**, the ventral sensorimotor cortex, moves lips, jaw, tongue and larynx. An
# atlas has the whole pre- and postcentral gyrus as one label each, from the foot at the
# top to the tongue at the bottom, so the preset adds a limit in height.
#
# **STG** is the superior temporal gyrus with the auditory cortex. It hears, also the
# patient's own voice. Words decoded from STG *during* speech are in part words heard.

contacts = assign_regions(contacts, ("vSMC", "STG"))
print(contacts["region"].value_counts(dropna=False).to_string())

# %%
# The region is where the contact most probably lies, over all labels of the region.
# To keep only contacts that are there with some certainty, ask for a probability:

sure = assign_regions(contacts, ("vSMC", "STG"), min_probability=0.8)
print(sure[["region", "region_probability"]].dropna().to_string())

# %%
plot_contacts(contacts, title="vSMC and STG, subject 01")

# %%
# The same to turn with the mouse. In a notebook the view shows itself; in a script save
# it with ``view.save("contacts.html")``.

view = view_contacts(contacts, title="Subject 01")
print(type(view).__name__)

# %%
# Regions of your own are a dict of labels; presets may be part of them.

own = {
    "mouth": {"rules": [{"region": "vSMC", "hemisphere": "L"}]},
    "insula": ["insula"],
}
print(assign_regions(contacts, own)["region"].value_counts().to_string())

# %%
# References
# ----------
#
# All contacts of an amplifier share a reference electrode, and whatever it picks up is
# in every channel. Neighbors on a shaft see nearly the same of it; their difference
# keeps what is local. A channel is then a *pair*:

epochs, raw_contacts = read_epochs(paths[:1], reference="none", align="response_time")
bipolar, pairs = reference_bipolar(epochs, raw_contacts)
print(f"{len(epochs.ch_names)} contacts, {len(bipolar.ch_names)} pairs")
pairs[["anode", "cathode", "label", "label_rule"]].head(5)

# %%
# Only neighbors are paired. A contact that is bad or missing leaves a gap, and no pair
# is made across it unless you allow it with ``max_gap=``. Where positions are known,
# two contacts are neighbors if no third one lies between them and they are not farther
# apart than twice the distance of each to its nearest neighbor; so no pair joins the
# end of one row of a grid with the start of the next. ``max_distance=`` sets a limit in
# millimetres instead. Names are read by one parser, with primes and all:

print(parse_contact("TI'4"))

# %%
# What the reference does: correlations between channels before and after. Bright
# squares are shafts.

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
# ``read_epochs`` does this by itself (``reference="bipolar"``); ``"laplacian"``,
# ``"shaft"``, ``"average"`` (all contacts), ``"white-matter"`` and ``"none"`` are the
# alternatives. A recording that is bipolar already, with channels such as ``A1-A2``, is
# recognized and kept as it is.
#
# Keeping a region
# ----------------
#
# Choose while reading, which also saves memory:

chosen, chosen_contacts = read_epochs(
    paths, regions=("vSMC", "STG"), align="response_time"
)
print(f"{len(chosen_contacts)} channels kept: {', '.join(chosen.ch_names)}")

# %%
# A pair whose two contacts have different labels takes one of them by a stated rule,
# ``label_rule``.
#
# Or choose later, as a step of a pipeline. ``RegionSelector`` looks only at anatomy, so
# nothing about the trials can leak through it:

everything, table = read_epochs(paths, align="response_time")
selector = RegionSelector(table, regions="STG").fit(everything)
print("STG:", ", ".join(selector.ch_names_))

# %%
# Is it a good choice?
# --------------------
#
# Anatomy is a guess about function. A direct look: how much high-gamma power rises when
# the subject speaks, per channel, in all channels.

rise = []
for low, high in ((-0.5, -0.2), (0.0, 0.6)):
    part = everything.copy().filter(70, 150).crop(low, high).get_data()
    rise.append(np.log10(part.var(-1)).mean(0) * 10)
rise = rise[1] - rise[0]
plot_contacts(table, values=rise, label="high gamma, speech − before (dB)")

# %%
# If you *choose channels* by such a measure, do it inside the training part of every
# fold. Choosing on all trials and then evaluating on the same trials is circular.
#
# Next: :doc:`learn a codex </auto_tutorials/03_learning_a_codex>`, or go straight to
# :doc:`decoding words </auto_tutorials/05_decoding_words>`.
