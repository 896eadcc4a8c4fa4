import itertools

import pytest
from notebook_order import spread


@pytest.mark.parametrize(("n_pages", "n_notebooks"), [(0, 0), (5, 0), (0, 3), (2, 5), (330, 12)])
def test_all_names_are_kept_and_notebooks_lie_apart(n_pages, n_notebooks):
    pages = [f"docs/{i:03d}" for i in range(n_pages)]
    notebooks = [f"notebooks/{i:02d}" for i in range(n_notebooks)]
    order = spread(pages + notebooks)
    assert [name for name in order if name in pages] == pages
    assert [name for name in order if name in notebooks] == notebooks
    places = [order.index(name) for name in notebooks]
    gaps = {after - before for before, after in itertools.pairwise(places)}
    assert not gaps or max(gaps) - min(gaps) <= 1
