import numpy as np
import pytest

from emoest.features._kalman import Noise, learn_noise, moving_average, smooth

DEFAULT = Noise(1e-4, 1.0, 0.01)
COUNT = np.arange(1.0, 6.0)[:, None]


def test_the_filter_has_the_golden_values():
    expected = [2.980198, 2.970492, 2.970784, 2.980978, 3.000975]
    np.testing.assert_allclose(
        smooth(COUNT, DEFAULT, backward=False).ravel(), expected, atol=5e-7, rtol=0
    )


def test_the_smoother_has_the_golden_values():
    expected = [2.999976, 3.000176, 3.000476, 3.000776, 3.000975]
    np.testing.assert_allclose(smooth(COUNT, DEFAULT).ravel(), expected, atol=5e-7, rtol=0)


def random_walks(lengths, process, observation, n_dims=2, seed=0):
    random = np.random.RandomState(seed)
    return [
        np.cumsum(random.normal(scale=np.sqrt(process), size=(n, n_dims)), axis=0)
        + random.normal(scale=np.sqrt(observation), size=(n, n_dims))
        for n in lengths
    ]


def exact(frames, process, observation, initial):
    """The posterior mean of the levels, by linear algebra."""
    n = len(frames)
    steps = np.minimum.outer(np.arange(n), np.arange(n))
    prior = initial + process * steps
    covariance = prior + observation * np.eye(n)
    centered = frames - frames.mean()
    return frames.mean() + prior @ np.linalg.solve(covariance, centered)


@pytest.mark.parametrize("noise", [(1e-4, 1.0, 0.01), (0.3, 0.7, 2.0), (5.0, 0.1, 0.5)])
def test_the_smoother_is_the_posterior_mean(noise):
    [frames] = random_walks([30], 0.5, 1.0, n_dims=1)
    got = smooth(frames, Noise(*noise)).ravel()
    np.testing.assert_allclose(got, exact(frames.ravel(), *noise), atol=1e-9)


def test_the_filter_knows_only_the_past():
    [frames] = random_walks([20], 0.5, 1.0)
    noise = Noise(0.5, 1.0, np.inf)
    cut = smooth(frames[:12], noise, backward=False)
    np.testing.assert_allclose(smooth(frames, noise, backward=False)[:12], cut, atol=1e-12)


def test_an_unknown_start_is_a_very_uncertain_one():
    [frames] = random_walks([20], 0.5, 1.0)
    np.testing.assert_allclose(
        smooth(frames, Noise(0.5, 1.0, np.inf)), smooth(frames, Noise(0.5, 1.0, 1e9)), atol=1e-6
    )
    filtered = smooth(frames, Noise(0.5, 1.0, np.inf), backward=False)
    np.testing.assert_allclose(filtered[0], frames[0], atol=1e-12)


def test_dimensions_are_models_of_their_own():
    [frames] = random_walks([20], 0.5, 1.0)
    noise = Noise(np.array([0.1, 2.0]), np.array([1.0, 0.5]), np.array([0.3, 3.0]))
    both = smooth(frames, noise)
    for d in range(2):
        alone = smooth(
            frames[:, [d]], Noise(noise.process[d], noise.observation[d], noise.initial[d])
        )
        np.testing.assert_allclose(both[:, [d]], alone, atol=1e-12)


def test_one_frame():
    assert smooth(np.array([[4.0]]), DEFAULT).tolist() == [[4.0]]


@pytest.mark.parametrize(("process", "observation"), [(0.25, 1.0), (1.0, 1.0)])
def test_learning_finds_the_noise(process, observation):
    walks = random_walks([60] * 40 + [7, 1], process, observation)
    noise, likelihood = learn_noise(walks)
    np.testing.assert_allclose(noise.process, process, rtol=0.2)
    np.testing.assert_allclose(noise.observation, observation, rtol=0.2)
    assert noise.initial == np.inf
    assert (np.diff(likelihood, axis=0) > -1e-10).all()
    assert len(likelihood) < 200


def test_learning_knows_the_unit():
    walks = random_walks([40] * 20, 0.3, 1.0)
    once, _ = learn_noise(walks)
    scaled, _ = learn_noise([10 * walk for walk in walks])
    np.testing.assert_allclose(scaled.process, 100 * once.process, rtol=1e-6)
    np.testing.assert_allclose(scaled.observation, 100 * once.observation, rtol=1e-6)


def test_the_likelihood_is_that_of_the_differences():
    """With an unknown start, the density is that of the steps from frame to frame."""
    walk = random_walks([25], 0.4, 1.0, n_dims=1)
    noise, _ = learn_noise(walk, max_iter=1)
    _, history = learn_noise(walk, max_iter=2)
    assert history.shape == (2, 1)
    steps = np.diff(walk[0].ravel())
    q, r = float(noise.process[0]), float(noise.observation[0])
    covariance = (q + 2 * r) * np.eye(24) - r * (np.eye(24, k=1) + np.eye(24, k=-1))
    density = -0.5 * (
        24 * np.log(2 * np.pi)
        + np.linalg.slogdet(covariance)[1]
        + steps @ np.linalg.solve(covariance, steps)
    )
    assert history[1, 0] == pytest.approx(density / 24, abs=1e-9)


def test_a_sequence_of_one_frame_teaches_nothing():
    walks = random_walks([30, 20], 0.1, 1.0)
    expected, history = learn_noise(walks)
    noise, likelihood = learn_noise([walks[0], np.full((1, 2), 1e3), walks[1], np.zeros((1, 2))])
    np.testing.assert_array_equal(noise.process, expected.process)
    np.testing.assert_array_equal(noise.observation, expected.observation)
    np.testing.assert_array_equal(likelihood, history)


def test_learning_from_a_constant_stays_finite():
    noise, _ = learn_noise([np.ones((10, 1)), np.ones((5, 1))])
    assert np.isfinite(noise.process).all()
    assert np.isfinite(noise.observation).all()
    np.testing.assert_allclose(smooth(np.ones((4, 1)), noise), 1.0)


def test_the_moving_average_shrinks_at_the_edges():
    frames = np.array([1.0, 2.0, 6.0, 4.0, 10.0, 1.0])[:, None]
    expected = [3.0, 13 / 4, 23 / 5, 23 / 5, 21 / 4, 5.0]
    np.testing.assert_allclose(moving_average(frames, 5).ravel(), expected, atol=1e-12)
    np.testing.assert_allclose(moving_average(frames, 1), frames, atol=1e-12)
    np.testing.assert_allclose(moving_average(frames, 99), 4.0, atol=1e-12)
