"""Jets of the LHC Olympics in a notebook: each part from "# %%" on is a cell in Jupyter, Spyder and VS Code.

    go build ./cmd/sluice && ./sluice python > sluice.py
    SLUICE=./sluice PYTHONPATH=. python3 examples/python/notebook.py

It ends with an error where the numbers of NumPy are not those of the program.
"""

# %% The program, its reader for Python, and events as a DataFrame
import os
import tempfile

import numpy as np
import pandas as pd

import sluice

here = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.TemporaryDirectory()
jets = os.path.join(folder.name, "jets.csv")
sluice.program(["convert", os.path.join(here, "..", "..", "cards", "data", "lhco.parquet"), "-o", jets, "--where", "label == 0",
                "--columns", "mjj,mj1,mj2"])
events = pd.read_csv(jets).head(20000)
print(events.describe().loc[["mean", "std", "min", "max"]])

# %% A flow, trained by the program: the verbs of scikit-learn
flow = sluice.Flow("flow.type=nsf", "flow.transforms=3", "flow.hidden=[32, 32]", "train.epochs=3", "seed=1").fit(events)
model = flow.model
print("features", model.features, "- evaluated by", "NumPy" if not model.why else f"the program, for {model.why}")

# %% Densities, in nats per unit of the columns, and what `sluice density` says of the same events
some = events.head(1000)
log_prob = flow.score_samples(some)
source, scored = os.path.join(folder.name, "some.csv"), os.path.join(folder.name, "scored.csv")
some.to_csv(source, index=False)
sluice.program(["density", model.path, source, "-o", scored])
off = np.max(np.abs(log_prob - pd.read_csv(scored)["log_prob"]) / (1 + np.abs(log_prob)))
print(f"mean log p {log_prob.mean():.4f}, at most {off:.1e} of its size from the program's")
assert off < 1e-5, off

# %% Into the latent, where the events are normal, and back
latent = flow.transform(some)
back = model.inverse_transform(latent)
print("latent: mean", latent.mean(axis=0).round(2), "standard deviation", latent.std(axis=0).round(2))
for name in model.features:
    assert np.allclose(back[name], some[name], rtol=1e-4), name

# %% New events, beside those that were learned
drawn = pd.DataFrame(model.sample(20000, seed=2))
edges = np.quantile(events.mj1, np.linspace(0, 1, 11))
share = np.histogram(np.clip(drawn.mj1, edges[0], edges[-1]), edges)[0] / len(drawn)
print("of the jets drawn, in each tenth of the masses learned:", share.round(3))
assert np.all(np.abs(share - 0.1) < 0.03), share
