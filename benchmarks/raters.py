"""How raters of sentiment agree, and what one reaches against the others.

    python benchmarks/raters.py DATA

DATA holds ``text_sentiment_scores/`` (15 to 29 ratings a text, in no order of persons).
"""

import argparse
from pathlib import Path

import pandas as pd

from emoest.evaluation import krippendorff_alpha, rater_ceiling


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data / "text_sentiment_scores"
    print("| texts | n | alpha (interval) | one rater: r | MAE |\n| --- | --- | --- | --- | --- |")
    for name in ("product_reviews", "film_reviews", "editorials"):
        rows = pd.read_csv(folder / f"{name}.tsv", sep="\t", quoting=3, keep_default_na=False)
        ratings = rows["ratings"].str.split(expand=True).astype(float)
        alpha = krippendorff_alpha(ratings, level="interval")
        mean = rater_ceiling(ratings, task="regression", n_draws=20, random_state=0)["mean"]
        cells = [name, len(rows), f"{alpha:.3f}", f"{mean['pearson']:.3f}", f"{mean['mae']:.2f}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
