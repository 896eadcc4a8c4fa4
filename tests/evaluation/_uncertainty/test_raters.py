import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from emoest.evaluation import krippendorff_alpha, label_distribution, rater_ceiling, rating_table

NAN = float("nan")
# Four raters of twelve units, Krippendorff (2011), table of example C; his alphas: 0.743 (nominal),
# 0.815 (ordinal), 0.849 (interval).
RATED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]
PUBLISHED = {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849}


@pytest.mark.parametrize(("level", "alpha"), PUBLISHED.items())
def test_the_published_example(level, alpha):
    assert krippendorff_alpha(np.array(RATED).T, level=level) == pytest.approx(alpha, abs=5e-4)


def plain_alpha(ratings, level):
    """The definition, pair by pair."""
    units = [[r for r in row if not pd.isna(r)] for row in ratings]
    units = [row for row in units if len(row) > 1]
    every = [r for row in units for r in row]
    values = sorted(set(every))

    def apart(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (a - b) ** 2
        low, high = sorted((values.index(a), values.index(b)))
        between = sum(every.count(v) for v in values[low : high + 1])
        return (between - (every.count(a) + every.count(b)) / 2) ** 2

    within = sum(
        apart(a, b) / (len(row) - 1) for row in units for a, b in itertools.permutations(row, 2)
    )
    across = sum(apart(a, b) for a, b in itertools.permutations(every, 2)) / (len(every) - 1)
    return 1 - within / across


@pytest.mark.parametrize("level", PUBLISHED)
@pytest.mark.parametrize("seed", range(5))
def test_alpha_is_its_definition_on_tables_with_gaps(level, seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, (30, 1))
    ratings = np.clip(truth + rng.integers(-1, 2, (30, 6)), 0, 4).astype(float)
    ratings[rng.random(ratings.shape) < 0.4] = np.nan
    assert krippendorff_alpha(ratings, level=level) == pytest.approx(plain_alpha(ratings, level))


def test_chance_is_zero_and_agreement_one():
    rng = np.random.default_rng(0)
    assert abs(krippendorff_alpha(rng.integers(0, 3, (3000, 4)))) < 0.02
    assert krippendorff_alpha([["sad", "sad", None], ["glad", None, "glad"]]) == 1.0
    assert np.isnan(krippendorff_alpha([["sad", "sad"], ["sad", "sad"]]))
    assert np.isnan(krippendorff_alpha([["sad", None], [None, "glad"]]))


def test_the_ceiling_is_that_of_known_noise():
    # Each rater says the truth with probability 0.8, else one of the other three labels.
    rng = np.random.default_rng(0)
    truth = np.tile(np.arange(4), 500)
    wrong = (truth[:, None] + rng.integers(1, 4, (2000, 25))) % 4
    ratings = np.where(rng.random((2000, 25)) < 0.8, truth[:, None], wrong)
    table = rater_ceiling(ratings, n_draws=20, random_state=0)
    assert table["mean"].to_dict() == pytest.approx({"uar": 0.8, "wa": 0.8}, abs=0.01)
    # Numbers: a rater's error is that of its noise and of the mean of 24 others.
    noisy = rng.normal(size=(2000, 1)) + 0.5 * rng.normal(size=(2000, 25))
    numbers = rater_ceiling(noisy, task="regression", n_draws=20, random_state=0)["mean"]
    assert numbers["mae"] == pytest.approx(0.5 * np.sqrt(1 + 1 / 24) * np.sqrt(2 / np.pi), abs=0.01)
    expected = 1 / np.sqrt((1 + 0.25) * (1 + 0.25 / 24))
    assert numbers["pearson"] == pytest.approx(expected, abs=0.01)


def test_ties_of_the_others_are_drawn():
    ratings = [["a", "b", "a", "b"]] * 400
    table = rater_ceiling(ratings, n_draws=5, random_state=0)
    # Without one "a", "b" has the majority: one against the others is never right.
    assert table.loc["wa", "mean"] == 0
    tied = rater_ceiling([["a", "a", "b"]] * 1000, n_draws=5, random_state=0)
    # Two times of three an "a" is out and "a" and "b" are tied.
    assert tied.loc["wa", "mean"] == pytest.approx(1 / 3, abs=0.05)


def noisy_ratings(n_items, seed, accuracy=0.8, n_raters=9):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, (n_items, 1))
    wrong = (truth + rng.integers(1, 3, (n_items, n_raters))) % 3
    return np.where(rng.random((n_items, n_raters)) < accuracy, truth, wrong)


def test_the_interval_of_the_ceiling_is_over_items():
    wide = rater_ceiling(noisy_ratings(60, 0), n_draws=10, random_state=0)
    narrow = rater_ceiling(noisy_ratings(1500, 0), n_draws=10, random_state=0)
    for table in (wide, narrow):
        assert (table["low"] < table["mean"]).all()
        assert (table["mean"] < table["high"]).all()
    ratio = (wide["high"] - wide["low"]) / (narrow["high"] - narrow["low"])
    # The width goes by the root of the number of items.
    assert ratio["uar"] == pytest.approx(np.sqrt(1500 / 60), rel=0.35)
    held = [
        table.loc["wa", "low"] <= 0.8 <= table.loc["wa", "high"]
        for table in (
            rater_ceiling(noisy_ratings(80, seed), n_draws=10, n_resamples=200, random_state=0)
            for seed in range(60)
        )
    ]
    assert np.mean(held) >= 0.85


def test_groups_of_items_are_resampled_whole():
    # Items of a speaker are alike: all raters agree on those of half of the speakers.
    alike, apart = np.zeros((10, 5)), np.tile([0, 1, 2, 3, 4], (10, 1))
    ratings = np.vstack([alike, apart] * 6)
    speakers = np.repeat(np.arange(12), 10)
    options = {"n_draws": 5, "n_resamples": 300, "random_state": 0}
    alone = rater_ceiling(ratings, **options)
    whole = rater_ceiling(ratings, groups=speakers, **options)
    assert whole["mean"].to_dict() == alone["mean"].to_dict()
    width = (whole["high"] - whole["low"]) / (alone["high"] - alone["low"])
    assert width["wa"] > 2


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_model_is_scored_against_the_same_reference(task):
    ratings = noisy_ratings(4000, 1).astype(float)
    options = {"task": task, "n_draws": 5, "n_resamples": 20, "random_state": 0}
    # A ninth rater, taken as the model, is as near to the others as each of them.
    table = rater_ceiling(ratings[:, 1:], y_pred=ratings[:, 0], **options)
    assert table["model"].to_dict() == pytest.approx(table["mean"].to_dict(), abs=0.03)
    known = rater_ceiling([["a", "a", "b", "b"]] * 9, y_pred=["c"] * 9, n_draws=3, random_state=0)
    assert known["model"].tolist() == [0, 0]


def ordered_table():
    order = ["low", "medium", "high"]
    rng = np.random.default_rng(0)
    codes = np.clip(rng.integers(0, 3, (60, 1)) + rng.integers(-1, 2, (60, 4)), 0, 2)
    return codes, pd.DataFrame(
        {i: pd.Categorical.from_codes(codes[:, i], order, ordered=True) for i in range(4)}
    )


def test_ordinal_labels_keep_their_order(recwarn):
    codes, table = ordered_table()
    alpha = krippendorff_alpha(codes, level="ordinal")
    assert krippendorff_alpha(table, level="ordinal") == pytest.approx(alpha)
    assert krippendorff_alpha(table.astype(str), level="ordinal") == pytest.approx(alpha)
    stars = ["one", "two", "three"]
    own = table.apply(lambda column: column.cat.rename_categories(stars))
    assert krippendorff_alpha(own, level="ordinal") == pytest.approx(alpha)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="alphabetically: 'one', 'three', 'two'"):
        assert krippendorff_alpha(own.astype(str), level="ordinal") != pytest.approx(alpha)
    own[3] = own[3].cat.reorder_categories(stars[::-1])
    with pytest.raises(ValueError, match="different categories"):
        krippendorff_alpha(own, level="ordinal")


def test_distributions_and_long_form():
    long = pd.DataFrame(
        {
            "clip": [1, 1, 1, 2, 2, 3],
            "who": ["a", "b", "c", "a", "b", "c"],
            "said": ["sad", "sad", "glad", "glad", "glad", None],
        }
    )
    table = rating_table(long, item="clip", rater="who", rating="said")
    distribution = label_distribution(table)
    assert distribution.loc[1].to_dict() == pytest.approx({"glad": 1 / 3, "sad": 2 / 3})
    assert distribution.loc[2].tolist() == [1, 0]
    assert distribution.loc[3].isna().all()


def test_many_different_numbers_cost_little_memory():
    tracemalloc.start()
    ratings = np.random.default_rng(0).normal(size=(2000, 10))
    krippendorff_alpha(ratings, level="interval")
    rater_ceiling(ratings, task="regression", n_draws=2, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A table of items by values would be 320 MB; what is drawn for the interval takes 40 MB.
    assert peak < 60e6


def test_the_origin_of_numbers_does_not_matter():
    ratings = np.array(RATED).T
    alpha = krippendorff_alpha(ratings, level="interval")
    assert krippendorff_alpha(ratings + 1e8, level="interval") == pytest.approx(alpha, abs=1e-6)


@pytest.mark.parametrize("level", PUBLISHED)
@pytest.mark.parametrize("missing", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("n_values", [2, 5, 9])
def test_alpha_is_that_of_another_implementation(level, missing, n_values):
    oracle = pytest.importorskip("krippendorff")
    rng = np.random.default_rng(n_values)
    ratings = np.clip(rng.integers(0, n_values, (40, 1)) + rng.integers(-1, 2, (40, 7)), 0, None)
    ratings = np.where(rng.random(ratings.shape) < missing, np.nan, ratings.astype(float))
    expected = oracle.alpha(reliability_data=ratings.T, level_of_measurement=level)
    assert krippendorff_alpha(ratings, level=level) == pytest.approx(expected, abs=1e-12)


TWICE = pd.DataFrame({"clip": [1, 1], "who": ["a", "a"], "said": ["x", "y"]})
BAD = {
    "level": (lambda: krippendorff_alpha([[1, 2]], level="ratio"), "must be one of"),
    "nothing": (lambda: krippendorff_alpha([[None, None]]), "no rating"),
    "no numbers": (lambda: krippendorff_alpha([["a", "b"]], level="interval"), "must be numbers"),
    "task": (lambda: rater_ceiling([[1, 2]], task="ranking"), "must be 'classification'"),
    "draws": (lambda: rater_ceiling([[1, 2, 3]], n_draws=0), "at least 1"),
    "resamples": (lambda: rater_ceiling([[1, 2, 3]], n_resamples=0), "at least 1"),
    "predictions of other items": (
        lambda: rater_ceiling([[1, 2, 3]], y_pred=[1, 2]),
        "1 and 2 samples",
    ),
    "groups with gaps": (
        lambda: rater_ceiling([[1, 2, 3]] * 2, groups=["a", None]),
        "groups has missing",
    ),
    "few": (lambda: rater_ceiling([[1, 2, NAN]]), "No item has 3 ratings"),
    "column": (
        lambda: rating_table(TWICE, item="clip", rater="who", rating="label"),
        "no column 'label'",
    ),
    "twice": (lambda: rating_table(TWICE, item="clip", rater="who", rating="said"), "rated the"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.real_data
def test_raters_of_real_texts(real_data):
    path = real_data / "text_sentiment_scores" / "product_reviews.tsv"
    rows = pd.read_csv(path, sep="\t", quoting=3, keep_default_na=False, nrows=300)
    ratings = [
        [float(each) for each in text.strip("[]").replace(",", " ").split()]
        for text in rows["ratings"]
    ]
    table = rater_ceiling(pd.DataFrame(ratings), task="regression", n_draws=5, random_state=0)
    assert table.loc["pearson", "mean"] > 0.8
    assert 0.4 < krippendorff_alpha(ratings, level="interval") < 1
